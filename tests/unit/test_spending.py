"""What a request may cost at the most, before anybody asks its provider."""

import json
from dataclasses import replace
from typing import Any

import pytest

from call import Ask, Call, Target, Usage
from dialects.bounds import answers
from fakes import NOW, a_call, a_request
from options import Options
from pricing import ceiling, price
from spending import OUTPUT, most


def asking(model: str | None, slug: str = "openai", **body: Any) -> Call:
    text = json.dumps(body)
    call = a_call(ask=Ask(model, "text-generation", text=text))
    return replace(call, target=Target(slug, "chat/completions", ""))


def nano(call: Call, rate_in: float, rate_out: float, output: int) -> int:
    """Return what a call costs at rates in USD for a million tokens."""
    tokens_in = -(-len((call.ask.text or "").encode()) // 2)
    return round((tokens_in * rate_in + output * rate_out) * 1000)


def test_it_is_the_price_of_the_prompt_and_of_the_longest_answer() -> None:
    bounded, unbounded = asking("gpt-5", max_completion_tokens=300), asking("gpt-5")

    assert most(bounded) == nano(bounded, 1.25, 10, 300)
    assert most(unbounded) == nano(unbounded, 1.25, 10, OUTPUT)


def test_alternatives_are_answers_too() -> None:
    call = asking("gpt-5", max_tokens=300, n=4)

    assert most(call) == nano(call, 1.25, 10, 1200)


def test_text_is_measured_in_bytes() -> None:
    call = a_call(ask=Ask("gpt-5", text=json.dumps({"prompt": "语" * 100}, ensure_ascii=False)))

    assert most(call) == nano(call, 1.25, 10, OUTPUT)


def test_embeddings_have_no_output() -> None:
    call = a_call(ask=Ask("text-embedding-3-small", "text-embeddings", text='{"input":"x"}'))

    assert most(call) == nano(call, 0.02, 0, 0)


def test_terms_that_cost_more_are_reckoned_with() -> None:
    usual, dear = (
        asking("gpt-5", max_tokens=9),
        asking("gpt-5", max_tokens=9, service_tier="priority"),
    )

    assert (most(dear) or 0) > 1.9 * (most(usual) or 0)


def test_a_price_of_the_callers_own_takes_the_place_of_the_table() -> None:
    total = Options.of({"cf-aig-custom-cost": '{"total_cost":0.07}'})
    each = Options.of({"cf-aig-custom-cost": '{"per_token_in":0.001,"per_token_out":0.002}'})
    call = replace(asking("mine", max_tokens=5), options=each)

    assert most(replace(call, options=total, kind="websocket")) == 70_000_000
    assert most(call) == nano(call, 1000, 2000, 5)


@pytest.mark.parametrize(
    "call",
    [
        asking(None),
        asking("mine"),
        asking("whisper-1"),
        asking("sonic-2", "cartesia"),
        asking("gpt-5", "custom-mine"),
        replace(asking("gpt-5"), kind="websocket"),
        a_call(ask=Ask("gpt-5")),
    ],
)
def test_what_has_no_price_or_no_bound_is_unknown(call: Call) -> None:
    assert most(call) is None


def test_a_request_without_a_body_may_have_a_price() -> None:
    call = a_call(request=replace(a_request(), body=None), ask=Ask("gpt-5"))

    assert most(call) == OUTPUT * 10_000


@pytest.mark.parametrize(
    ("vendor", "model"),
    [
        ("anthropic", "claude-sonnet-4-5"),
        ("google", "gemini-2.5-flash"),
        ("openai", "gpt-image-1"),
        ("openai", "gpt-4o-audio-preview"),
    ],
)
@pytest.mark.parametrize(
    "kind",
    ["cached", "cache_write", "cache_write_1h", "audio_in", "audio_out", "image_in", "image_out"],
)
def test_no_kind_of_tokens_costs_more(vendor: str, model: str, kind: str) -> None:
    usage = Usage(tokens_in=1000, tokens_out=1000)
    if kind == "cache_write_1h":
        used = replace(usage, cache_write=1000, cache_write_1h=1000)
    else:
        used = replace(usage, **{kind: 1000})

    highest = ceiling(vendor, model, usage, {}, NOW)

    assert highest is not None
    assert (price(vendor, model, used, {}, NOW) or 0) <= highest + 1e-12


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("{}", 1),
        ('{"n":3}', 3),
        ('{"n":2,"best_of":5}', 5),
        ('{"generationConfig":{"candidateCount":2}}', 2),
        ('{"input":{"num_images":4}}', 4),
        ('{"n":0}', 1),
        ('{"n":"3"}', 1),
        ("", 1),
    ],
)
def test_how_many_answers_a_request_asks_for(body: str, count: int) -> None:
    assert answers(body) == count
