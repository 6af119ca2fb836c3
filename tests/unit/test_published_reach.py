"""How many tokens a model takes and writes, as the table of prices gets to know it."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from genai_prices import types

from costs.price_table import SOURCES
from costs.pricing import Reach as Known
from costs.pricing import reach
from published_reach import Reach, reached, reaches

AT = datetime.fromisoformat(SOURCES["date"]).replace(tzinfo=UTC).timestamp() * 1000


def vendor(*models: types.ModelInfo) -> types.Provider:
    return types.Provider(id="openai", name="", api_pattern="", models=list(models))


def model(match: types.MatchLogic, window: int | None = None) -> types.ModelInfo:
    prices = types.ModelPrice(input_mtok=Decimal(1), output_mtok=Decimal(2))
    return types.ModelInfo(id="m", match=match, prices=prices, context_window=window)


def told(source: str, taken: object = None, written: object = None) -> dict[str, Any]:
    return {
        "litellm_provider": source,
        "max_input_tokens": taken,
        "max_output_tokens": written,
    }


BEGINS = types.ClauseStartsWith(starts_with="gpt-5")


def test_of_all_models_that_are_priced_as_one_the_largest_counts() -> None:
    published = {
        "gpt-5": told("openai", 200, 30),
        "gpt-5-chat": told("openai", 100, 40),
        "gpt-6": told("openai", 900, 900),
    }

    assert reaches(vendor(model(BEGINS)), "openai", published) == {"m": Reach(200, 40)}


def test_a_window_that_is_larger_counts() -> None:
    published = {"gpt-5": told("openai", 200, 30)}

    assert reaches(vendor(model(BEGINS, 300)), "openai", published)["m"] == Reach(300, 30)


def test_other_vendors_are_asked_only_for_what_its_own_does_not_tell() -> None:
    published = {
        "gpt-5": told("openai", 200),
        "azure/eu/gpt-5": told("azure", 900, 60),
        "somebody/openai/gpt-5-mini": told("somebody", 900),
    }

    assert reaches(vendor(model(BEGINS)), "openai", published)["m"] == Reach(200, 60)


def test_of_others_who_differ_most_are_believed_and_of_as_many_the_larger() -> None:
    published = {
        "a/gpt-5": told("a", 900, 30),
        "b/gpt-5": told("b", 800, 30),
        "c/gpt-5": told("c", None, 99),
    }

    assert reaches(vendor(model(BEGINS)), "openai", published)["m"] == Reach(900, 30)


def test_who_sells_a_model_puts_its_author_before_its_name() -> None:
    named = model(types.ClauseEquals(equals="x-ai/grok-9"))
    published = {"xai/grok-9": told("xai", 10, 20)}

    assert reaches(vendor(named), "openrouter", published)["m"] == Reach(10, 20)


@pytest.mark.parametrize("count", [None, 0, "128k", 1.5, 10**9])
def test_what_is_no_number_of_tokens_is_unknown(count: object) -> None:
    published = {"gpt-5": told("openai", count, count)}

    assert reaches(vendor(model(BEGINS)), "openai", published)["m"] == Reach()


def test_only_what_is_paid_for_its_words_is_told_of() -> None:
    known = Reach(100, 20)

    assert reached({"output_mtok": 2}, known) == {"output_mtok": 2, "most_in": 100, "most_out": 20}
    assert reached({"output_mtok": 2}, Reach()) == {"output_mtok": 2}
    assert reached({"input_mtok": 1}, known) == {"input_mtok": 1}
    assert reached({}, known) == {}


@pytest.mark.parametrize(
    ("prices", "name", "known"),
    [
        ("openai", "gpt-5-2025-08-07", Known(400_000, 128_000)),
        ("openai", "gpt-4o", Known(128_000, 16_384)),
        ("anthropic", "claude-sonnet-4-5", Known(200_000, 64_000)),
        ("google", "gemini-2.5-flash", Known(1_048_576, 65_536)),
        ("azure", "gpt-5", Known(400_000, 128_000)),
        ("openrouter", "openai/gpt-5", Known(400_000, 128_000)),
        ("deepseek", "deepseek-chat", Known(131_072, 8_192)),
        ("openai", "gpt-image-1", Known()),
        ("openai", "mine", Known()),
    ],
)
def test_the_table_knows_the_reach_of_models(prices: str, name: str, known: Known) -> None:
    assert reach(prices, name, {}, AT) == known
