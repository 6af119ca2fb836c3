"""What a request may cost at the most, before anybody asks its provider."""

import json
from dataclasses import replace
from typing import Any

import pytest

from call import Ask, Call, Target, Usage
from charges.spending import MODELS, OUTPUT, most, spends
from costs.pricing import ceiling, price
from fakes import NOW, a_call, a_request
from options import Options

# The most tokens that gpt-5 writes, and takes.
WRITTEN, TAKEN = 128_000, 400_000


def asking(model: str | None, slug: str = "openai", **body: Any) -> Call:
    text = json.dumps(body)
    call = a_call(ask=Ask(model, "text-generation", text=text))
    return replace(call, target=Target(slug, "chat/completions", ""))


def falling_back(model: str | None, *others: str, **body: Any) -> Call:
    call = asking(model, "openrouter", **body)
    return replace(call, ask=replace(call.ask, others=others))


def limiting(call: Call, tokens: int) -> Call:
    """Return a call of a gateway that reserves so many tokens for an answer without a bound."""
    return replace(call, gateway=replace(call.gateway, most_output=tokens))


def nano(call: Call, rate_in: float, rate_out: float, output: int) -> int:
    """Return what a call costs at rates in USD for a million tokens."""
    tokens_in = -(-len((call.ask.text or "").encode()) // 2)
    return round((tokens_in * rate_in + output * rate_out) * 1000)


def test_it_is_the_price_of_the_prompt_and_of_the_longest_answer() -> None:
    bounded, unbounded = asking("gpt-5", max_completion_tokens=300), asking("gpt-5")

    assert most(bounded) == nano(bounded, 1.25, 10, 300)
    assert most(unbounded) == nano(unbounded, 1.25, 10, WRITTEN)


def test_of_a_model_of_which_nobody_tells_how_much_it_writes_an_answer_is_long() -> None:
    call = asking("gpt-image-1", n=3)

    assert most(call) == nano(call, 10, 40, 3 * OUTPUT)


def test_a_gateway_may_reserve_less_for_what_a_request_does_not_bound() -> None:
    unbounded, bounded = asking("gpt-5"), asking("gpt-5", max_tokens=9_000)
    longer, unknown = asking("gpt-5", n=2), asking("gpt-image-1")

    assert most(limiting(unbounded, 500)) == nano(unbounded, 1.25, 10, 500)
    assert most(limiting(longer, 500)) == nano(longer, 1.25, 10, 1_000)
    assert most(limiting(unknown, 500)) == nano(unknown, 10, 40, 500)
    assert most(limiting(bounded, 500)) == nano(bounded, 1.25, 10, 9_000)


def test_what_is_free_is_free_whatever_it_writes() -> None:
    call = asking("deepseek/deepseek-r1:free", "openrouter", previous_response_id="r")

    assert most(call) == 0


def test_of_the_models_that_a_provider_may_run_the_dearest_counts() -> None:
    call = falling_back("openai/gpt-5-mini", "openai/gpt-5", "openai/gpt-5-nano", max_tokens=500)
    named = falling_back(None, "openai/gpt-5", max_tokens=500)

    assert most(call) == nano(call, 1.25, 10, 500)
    assert most(named) == nano(named, 1.25, 10, 500)


def test_where_one_of_them_has_no_price_or_they_are_many_the_cost_is_unknown() -> None:
    names = [f"openai/gpt-5-{number}" for number in range(MODELS)]

    assert most(falling_back("openai/gpt-5", "nobody/knows")) is None
    assert most(falling_back("openai/gpt-5", *names)) is None


def test_alternatives_are_answers_too() -> None:
    call = asking("gpt-5", max_tokens=300, n=4)

    assert most(call) == nano(call, 1.25, 10, 1200)


@pytest.mark.parametrize(
    ("prompt", "answers"),
    [
        ("text", 1),
        (["one"], 1),
        (["one", "two", "three"], 3),
        ([1, 2, 3], 1),
        ([[1, 2], [3, 4]], 2),
        ([], 1),
    ],
)
def test_each_prompt_of_a_completion_is_answered(prompt: Any, answers: int) -> None:
    call = asking("gpt-3.5-turbo-instruct", prompt=prompt, max_tokens=50, n=2)

    assert most(call) == nano(call, 1.5, 2, 50 * 2 * answers)


@pytest.mark.parametrize(
    "body",
    [
        {"previous_response_id": "resp_1"},
        {"conversation": "conv_1"},
        {"conversation": {"id": "conv_1"}},
        {"prompt": {"id": "pmpt_1"}},
        {"cachedContent": "cachedContents/1"},
        {"google": {"cached_content": "cachedContents/1"}},
        {"extra_body": {"google": {"cached_content": "cachedContents/1"}}},
    ],
)
def test_what_the_provider_keeps_of_a_prompt_may_fill_all_that_the_model_takes(body: Any) -> None:
    call = asking("gpt-5", max_output_tokens=50, **body)

    assert most(call) == nano(call, 1.25, 10, 50) + TAKEN * 1250


@pytest.mark.parametrize("body", [{"prompt": {}}, {"conversation": None}, {"cachedContent": ""}])
def test_what_names_nothing_that_is_kept_does_not(body: Any) -> None:
    call = asking("gpt-5", max_output_tokens=50, **body)

    assert most(call) == nano(call, 1.25, 10, 50)


def test_where_nobody_knows_how_much_a_model_takes_such_a_prompt_has_no_price() -> None:
    kept = {"previous_response_id": "resp_1"}
    prices = Options.of({"cf-aig-custom-cost": '{"per_token_in":0.001,"per_token_out":0.002}'})

    assert most(asking("gpt-image-1", **kept)) is None
    assert most(replace(asking("mine", **kept), options=prices)) is None


def test_a_batch_has_no_price() -> None:
    text = '{"batch":{"input_config":{"file_name":"files/1"}}}'

    assert most(a_call(ask=Ask("gpt-5", "text-generation", text=text))) is None


def test_reranking_is_paid_by_the_hundred_documents() -> None:
    def ranking(*documents: str) -> Call:
        body = {"query": "q", "documents": list(documents)}
        call = asking("rerank-v3.5", "cohere", **body)
        return replace(call, ask=replace(call.ask, model_type="text-classification"))

    assert most(ranking("a")) == 2_000_000
    assert most(ranking(*["a"] * 90)) == 2_000_000
    assert most(ranking(*["a"] * 101)) == 4_000_000
    # What is long is ranked in parts.
    assert most(ranking("a" * 100_000)) == 6_000_000


@pytest.mark.parametrize(
    ("ask", "path"),
    [
        (Ask("claude-sonnet-4-5", "token-counting", text="{}"), "v1/messages/count_tokens"),
        (Ask(None, "text-generation", text=""), "v1/responses/resp_1/cancel"),
        (Ask(None, text="{}"), "v1/batches/batch_1/cancel"),
    ],
)
def test_what_asks_no_model_for_an_answer_spends_nothing(ask: Ask, path: str) -> None:
    assert not spends(replace(a_call(ask=ask), target=Target("openai", path, "")))


@pytest.mark.parametrize(
    ("ask", "path"),
    [
        (Ask("gpt-5", text='{"model":"gpt-5"}'), "v1/responses/cancel"),
        (Ask(None), "v1/responses/resp_1/cancel"),
        (Ask(None, "text-generation", text=""), "v1/responses"),
    ],
)
def test_what_may_ask_a_model_may_spend(ask: Ask, path: str) -> None:
    assert spends(replace(a_call(ask=ask), target=Target("openai", path, "")))


def test_text_is_measured_in_bytes() -> None:
    call = a_call(ask=Ask("gpt-5", text=json.dumps({"prompt": "语" * 100}, ensure_ascii=False)))

    assert most(call) == nano(call, 1.25, 10, WRITTEN)


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

    assert most(call) == WRITTEN * 10_000


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
