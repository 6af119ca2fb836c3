"""Prices against those of the package that the table was made from, which has ways of its own."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import genai_prices
import pytest
from genai_prices import types
from genai_prices.data import providers

from call import Usage
from costs.price_table import MODELS, SOURCES
from costs.pricing import price

VENDORS = {vendor.id: vendor for vendor in providers if vendor.id in MODELS}
MADE = datetime.combine(date.fromisoformat(SOURCES["date"]), datetime.min.time(), UTC)
TIMES = (
    MADE.replace(hour=12),
    MADE.replace(hour=2, minute=30),
    MADE.replace(hour=20, minute=59, second=59),
    MADE.replace(year=MADE.year + 1, month=6, day=15),
)
TERMS: tuple[dict[str, str], ...] = (
    {},
    {"service_tier": "default"},
    {"service_tier": "flex"},
    {"service_tier": "priority"},
    {"processing": "batch"},
    {"speed": "fast"},
)
# Nothing of a kind is more than what it is part of.
TEXT = Usage(tokens_in=120_000, tokens_out=2_345, cached=70_000, cache_write=9_000, reasoning=700)
LONG = Usage(tokens_in=450_001, tokens_out=2_345, cached=1_000, cache_write=9, cache_write_1h=4)
SOUND = Usage(tokens_in=900, tokens_out=800, cached=50, audio_in=300, audio_out=500, searches=3)
PICTURE = Usage(tokens_in=900, tokens_out=800, cached=50, image_in=40, image_out=700)
HEARD = Usage(tokens_in=0, tokens_out=0, audio_seconds=7.5, characters=1_234, searches=2)


def counted(usage: Usage) -> types.Usage:
    """Return usage in the other's words."""
    # What is not told apart is none, where the sum is told.
    return types.Usage(
        input_tokens=usage.tokens_in or 0,
        output_tokens=usage.tokens_out or 0,
        cache_read_tokens=usage.cached or 0,
        cache_write_tokens=usage.cache_write or 0,
        cache_write_1h_tokens=usage.cache_write_1h or 0,
        output_reasoning_tokens=usage.reasoning or 0,
        input_audio_tokens=usage.audio_in or 0,
        output_audio_tokens=usage.audio_out or 0,
        input_image_tokens=usage.image_in or 0,
        output_image_tokens=usage.image_out or 0,
        input_video_tokens=usage.video_in or 0,
        cache_audio_read_tokens=usage.cached_audio or 0,
        cache_image_read_tokens=usage.cached_image or 0,
        audio_seconds=usage.audio_seconds or 0,
        input_audio_seconds=usage.audio_seconds or 0,
        input_characters=usage.characters or 0,
        web_searches=usage.searches or 0,
    )


def theirs(vendor: str, model: str, usage: Usage, terms: dict[str, str], at: datetime) -> float:
    told = genai_prices.calc_price(
        counted(usage),
        model,
        provider_id=vendor,
        genai_request_timestamp=at,
        price_context=terms or None,
    )
    return float(told.total_price)


def names(model: types.ModelInfo) -> Iterator[str]:
    """Yield names that a model is known by: those that its rules spell out."""
    yield model.id
    clauses: list[Any] = []
    clauses.append(model.match)
    while clauses:
        texts: dict[str, Any] = clauses.pop().__dict__
        clauses.extend(texts.get("or_") or texts.get("and_") or ())
        yield from (texts[kind] for kind in ("equals", "ends_with", "contains") if kind in texts)
        if "starts_with" in texts:
            yield texts["starts_with"] + "-20260110"
            yield texts["starts_with"].upper()


def test_the_table_is_of_the_version_that_is_installed() -> None:
    assert SOURCES["genai-prices"] == genai_prices.__version__, "run `make prices`"


def known(vendor: str) -> list[str]:
    """Return the names by which a vendor's models are found."""
    found = {name for model in VENDORS[vendor].models for name in names(model)}
    return sorted(name for name in found if VENDORS[vendor].find_model(name))


def differing(
    vendor: str, models: list[str], usage: Usage, terms: dict[str, str], at: datetime
) -> list[str]:
    """Return the models that cost something else here."""
    return [
        model
        for model in models
        if abs(
            (price(vendor, model, usage, terms, at.timestamp() * 1000) or 0)
            - theirs(vendor, model, usage, terms, at)
        )
        > 1e-9
    ]


@pytest.mark.parametrize("vendor", sorted(VENDORS))
@pytest.mark.parametrize("usage", [TEXT, LONG, SOUND, PICTURE, HEARD])
def test_every_name_of_a_model_costs_the_same_whatever_is_used(vendor: str, usage: Usage) -> None:
    assert differing(vendor, known(vendor), usage, {}, TIMES[0]) == []


@pytest.mark.parametrize("vendor", sorted(VENDORS))
@pytest.mark.parametrize("at", TIMES, ids=str)
@pytest.mark.parametrize("terms", TERMS, ids=json.dumps)
def test_each_model_costs_the_same_at_any_time_on_any_terms(
    vendor: str, at: datetime, terms: dict[str, str]
) -> None:
    dear = [
        model.id
        for model in VENDORS[vendor].models
        if (model.price_variants or isinstance(model.prices, list))
        and VENDORS[vendor].find_model(model.id)
    ]

    assert differing(vendor, dear, TEXT, terms, at) == []
