"""What the raw answers of every provider cost: tests/providers/<slug>.json."""

import json
from datetime import UTC, datetime

import genai_prices
import pytest
from genai_prices.data import providers

from call import Ask, Report
from costs import worth
from ports import Ending, Incoming
from price_table import MODELS, SOURCES
from provider_answers import FIXTURES, stream_of, streaming, text_of
from providers import PROVIDERS
from upstream import reader

AT = datetime.fromisoformat(SOURCES["date"]).replace(hour=12, tzinfo=UTC)

# Where the other package reads usage in the same answers, by the name that it gives the format.
FLAVORS = {
    "anthropic": ("anthropic", "default"),
    "azure-openai": ("openai", "chat"),
    "cerebras": ("cerebras", "chat"),
    "deepseek": ("deepseek", "chat"),
    "fireworks": ("fireworks", "chat"),
    "google-ai-studio": ("google", "default"),
    "google-vertex-ai": ("google", "default"),
    "groq": ("groq", "default"),
    "openai": ("openai", "chat"),
}
# What their models cost nobody publishes, or the answer of the fixture counts nothing.
UNKNOWN = {"cartesia", "huggingface", "ideogram", "parallel", "replicate"}


def asked(slug: str, prefix: str = "") -> Ask:
    fixture = FIXTURES[slug]
    path, _, query = fixture[f"{prefix}path"].partition("?")
    return PROVIDERS[slug].dialect.ask(path, json.dumps(fixture[f"{prefix}request"]), query)


def whole(slug: str) -> Report:
    fixture = FIXTURES[slug]
    answer = fixture["whole"]
    text = None if answer is None else answer if isinstance(answer, str) else json.dumps(answer)
    incoming = Incoming(200, fixture.get("headers", {}), None)
    return reader(PROVIDERS[slug].dialect, asked(slug), incoming)(Ending("complete", text))


def cost(slug: str, report: Report, ask: Ask) -> float | None:
    return worth(report, ask, PROVIDERS[slug].prices, None, AT.timestamp() * 1000)


@pytest.mark.parametrize("slug", sorted(FIXTURES))
def test_a_whole_answer_has_a_cost_unless_nobody_publishes_its_price(slug: str) -> None:
    usd = cost(slug, whole(slug), asked(slug))

    assert (usd is None) == (slug in UNKNOWN)
    assert usd is None or usd > 0


@streaming
def test_a_stream_costs_what_the_whole_answer_does(slug: str) -> None:
    fixture = FIXTURES[slug]
    if "stream_report" in fixture:
        pytest.skip("the stream of the fixture is of another answer")
    streamed = PROVIDERS[slug].dialect.stream_report(text_of(fixture, stream_of(fixture)))

    of_stream = cost(slug, streamed, asked(slug, "stream_"))
    of_whole = cost(slug, whole(slug), asked(slug))

    assert of_stream == pytest.approx(of_whole, abs=1e-9)


@pytest.mark.parametrize("slug", sorted(FLAVORS))
def test_an_answer_costs_what_another_reader_of_it_says(slug: str) -> None:
    vendor, flavor = FLAVORS[slug]
    others = next(other for other in providers if other.id == vendor)
    _, used = others.extract_usage(FIXTURES[slug]["whole"], api_flavor=flavor)
    expected = genai_prices.calc_price(
        used,
        FIXTURES[slug]["model"],
        provider_id=PROVIDERS[slug].prices,
        genai_request_timestamp=AT,
    )

    usd = cost(slug, whole(slug), asked(slug))

    assert usd == pytest.approx(float(expected.total_price), abs=1e-9)


def test_every_name_of_a_vendor_in_the_table_is_known_to_the_table() -> None:
    assert {provider.prices for provider in PROVIDERS.values() if provider.prices} <= MODELS.keys()
