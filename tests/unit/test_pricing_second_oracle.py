"""Prices against those of another package, which were gathered from another source.

Where they differ, one of the two is wrong or the two mean different things. What is listed was
looked at; what is not listed is a mistake of ours, or news.
"""

import json
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime

import model_prices  # pyright: ignore[reportMissingTypeStubs]
import pytest

from call import Usage
from costs.price_table import MODELS, SOURCES
from costs.pricing import price

AT = datetime.fromisoformat(SOURCES["date"]).replace(hour=12, tzinfo=UTC)
VENDORS = {"openai": "openai", "anthropic": "anthropic", "google": "google", "x-ai": "xai"}
USED = Usage(tokens_in=10_000, tokens_out=1_000, cached=4_000)

DIFFERING = {
    # It has one price for what these make, that of pictures or video; we know text from pictures.
    "gemini-2.5-flash-image",
    "gemini-2.5-flash-image-preview",
    "gemini-3-pro-image",
    "gemini-3-pro-image-preview",
    "gemini-3.1-flash-image",
    "gemini-3.1-flash-image-preview",
    "gemini-3.1-flash-lite-image",
    "gemini-nano-banana-2.1",
    "gemini-omni-1.1-flash",
    "gemini-omni-flash-preview",
    # It reads an old name as today's model.
    "gpt-3.5-turbo",
    "gpt-3.5-turbo-0301",
    "gpt-3.5-turbo-0613",
    "gemini-2.5-flash-preview-09-2025",
    "grok-4.20-multi-agent-beta-latest",
}


def names(vendor: str) -> Iterator[str]:
    for rules, *_ in json.loads(MODELS[vendor]):
        yield from (rule[1:] for rule in rules if isinstance(rule, str) and rule[0] in "=^")


def theirs(vendor: str, model: str) -> float | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return model_prices.cost(
                model,
                input_tokens=6_000,
                cache_read_tokens=4_000,
                output_tokens=1_000,
                at=AT,
                provider=vendor,
            )
        except LookupError:
            return None


@pytest.mark.parametrize("vendor", sorted(VENDORS))
def test_prices_are_those_of_another_package(vendor: str) -> None:
    compared = {name: theirs(VENDORS[vendor], name) for name in names(vendor)}
    both = {name: usd for name, usd in compared.items() if usd is not None}

    differing = {
        name
        for name, usd in both.items()
        if price(vendor, name, USED, {}, AT.timestamp() * 1000) != pytest.approx(usd, abs=1e-9)
    }

    assert len(both) > 10
    assert differing <= DIFFERING
