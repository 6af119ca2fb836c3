"""What the raw answers of every provider cost: tests/providers/<slug>.json."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import genai_prices
import pytest
from genai_prices.data import providers

from call import Ask, Report
from costs.cost import worth
from costs.price_table import MODELS, SOURCES
from ports import Ending, Incoming
from provider_answers import FIXTURES, stream_of, streaming, text_of
from providers import PROVIDERS
from upstream import reader

AT = datetime.fromisoformat(SOURCES["date"]).replace(hour=12, tzinfo=UTC)

# Where the other package reads usage in the same answers, by the name that it gives the format.
FLAVORS = {
    "anthropic": "default",
    "aws-bedrock": "default",
    "azure-openai": "chat",
    "baseten": "chat",
    "cerebras": "chat",
    "cohere": "default",
    "deepseek": "chat",
    "fireworks": "chat",
    "google-ai-studio": "default",
    "google-vertex-ai": "default",
    "grok": "chat",
    "groq": "default",
    "openai": "chat",
    "openrouter": "chat",
    "workers-ai": "default",
}
# Where it does not, or reads something else.
NO_READER = "it has no reader of the vendor's answers"
OTHERWISE = {
    "cartesia": NO_READER,
    "deepgram": NO_READER,
    "elevenlabs": NO_READER,
    "fal": NO_READER,
    "huggingface": "it has a reader for each vendor behind it, and the fixture names none",
    "ideogram": NO_READER,
    "mistral": "it does not read `num_cached_tokens`",
    "parallel": NO_READER,
    "perplexity-ai": "it counts citations as output; what counts here is the vendor's own word",
    "replicate": NO_READER,
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
    name = PROVIDERS[slug].prices
    others = next(other for other in providers if other.id == name)
    _, used = others.extract_usage(FIXTURES[slug]["whole"], api_flavor=FLAVORS[slug])
    expected = genai_prices.calc_price(
        used, FIXTURES[slug]["model"], provider_id=name, genai_request_timestamp=AT
    )

    # By the table: what a vendor says of the cost, the other package does not read.
    usd = cost(slug, replace(whole(slug), cost=None), asked(slug))

    assert usd == pytest.approx(float(expected.total_price), abs=1e-9)


def test_every_provider_is_compared_with_another_reader_or_there_is_a_reason() -> None:
    assert not FLAVORS.keys() & OTHERWISE.keys()
    assert FLAVORS.keys() | OTHERWISE.keys() == FIXTURES.keys()


@pytest.mark.parametrize("slug", [slug for slug, why in OTHERWISE.items() if why is NO_READER])
def test_a_provider_that_is_said_to_have_no_other_reader_has_none(slug: str) -> None:
    names = (slug, PROVIDERS[slug].prices)

    assert not [other.id for other in providers if other.id in names and other.extractors]


def test_every_name_of_a_vendor_in_the_table_is_known_to_the_table() -> None:
    assert {provider.prices for provider in PROVIDERS.values() if provider.prices} <= MODELS.keys()
