from dataclasses import replace
from typing import Any

import pytest

from call import Ask, Attempt, Failure, Reply, Report, Usage
from costs.cost import ESTIMATED, UNKNOWN, Cost, cost
from costs.price_table import MODELS
from errors import ClientLeft, GatewayError
from fakes import NOW, a_call, a_request
from options import CustomCost, Options
from ports import Ending

CHAT = Ask("gpt-4o", "text-generation", text='{"messages":[{"role":"user","content":"12345678"}]}')
STREAM = Ask(CHAT.model, CHAT.model_type, True, CHAT.text)
USED = Usage(tokens_in=1_000, tokens_out=100)
WHOLE = Ending("complete", "{}")
# Of gpt-4o: 2.50 and 10 USD for a million tokens.
PRICE = 1_000 * 2.5e-6 + 100 * 10e-6
WORDS = 'data: {"choices":[{"delta":{"content":"Hello, you"}}]}\n\ndata: {"choices":[{"delta":{"con'


def costing(
    report: Report, ask: Ask = CHAT, ending: Ending = WHOLE, status: int = 200, **told: Any
) -> Cost:
    """Return a cost.

    `custom` is the caller's own price, `prices` the vendor in the table, `method` and `kind` are
    those of the request, and `failed` is the failure that an answer was found to hold.
    """
    call = a_call(request=a_request(method=told.get("method", "POST")), ask=ask)
    options = Options(custom_cost=told.get("custom"))
    call = replace(call, options=options, kind=told.get("kind", "provider"))
    outcome = Reply(status, {}, failed=told.get("failed"))
    attempt = Attempt("a", call, NOW, prices=told.get("prices", "openai"), outcome=outcome)
    return cost(attempt, report, ending)


def about(usd: float) -> Any:
    return pytest.approx(usd)


def test_an_answer_costs_what_the_table_says() -> None:
    assert costing(Report(usage=USED)) == Cost(about(PRICE))


def test_what_the_vendor_says_wins() -> None:
    assert costing(Report(usage=USED, cost=0.5)) == Cost(0.5)
    assert costing(Report(usage=USED, cost=0.0)) == Cost(0.0)


def test_what_the_caller_says_wins_over_all() -> None:
    custom = CustomCost(total_cost=0.25)

    assert costing(Report(usage=USED, cost=0.5), custom=custom) == Cost(0.25, custom=True)


@pytest.mark.parametrize(
    ("custom", "expected"),
    [
        (CustomCost(0.01, 0.1), 1_000 * 0.01 + 100 * 0.1),
        (CustomCost(0.01, 0.1, 0.001), 600 * 0.01 + 400 * 0.001 + 100 * 0.1),
        (CustomCost(0.01, 0.1, 0.001, 0.02), 400 * 0.01 + 400 * 0.001 + 200 * 0.02 + 100 * 0.1),
        (CustomCost(0.0, 0.0), 0.0),
    ],
)
def test_a_callers_prices_are_for_each_token(custom: CustomCost, expected: float) -> None:
    usage = Usage(1_000, 100, cached=400, cache_write=200)

    assert costing(Report(usage=usage), custom=custom) == Cost(about(expected), custom=True)


def test_a_callers_prices_are_not_for_what_failed() -> None:
    assert costing(Report(), status=500, custom=CustomCost(total_cost=0.25)) == Cost()


@pytest.mark.parametrize("custom", [CustomCost(total_cost=0.25), CustomCost(1.0, 2.0)])
def test_a_failure_in_the_clothes_of_a_success_costs_nothing_unless_it_used_something(
    custom: CustomCost,
) -> None:
    failed = Failure("overloaded_error", "Overloaded", retryable=True)

    assert costing(Report(), failed=failed, custom=custom) == Cost()
    assert costing(Report(), STREAM, Ending("complete", WORDS), failed=failed) == Cost()
    assert costing(Report(), failed=failed, ending=Ending("complete", None)) == Cost()
    assert costing(Report(usage=USED), failed=failed) == Cost(about(PRICE))
    assert costing(Report(usage=USED), failed=failed, custom=custom).custom


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
@pytest.mark.parametrize("custom", [None, CustomCost(total_cost=0.25), CustomCost(1.0, 2.0)])
def test_what_is_only_read_or_deleted_costs_nothing(method: str, custom: CustomCost | None) -> None:
    for report in (Report(), Report(usage=USED), Report(usage=USED, cost=0.5)):
        assert costing(report, method=method, custom=custom) == Cost()
    assert costing(Report(usage=USED), Ask("made-up-9"), method=method) == Cost()


def test_a_websocket_begins_with_a_request_to_read_and_may_have_a_price() -> None:
    custom = CustomCost(total_cost=0.25)

    told = costing(Report(), method="GET", kind="websocket", custom=custom)

    assert told == Cost(0.25, custom=True)


@pytest.mark.parametrize("custom", [None, CustomCost(total_cost=0.25)])
def test_to_count_tokens_costs_nothing(custom: CustomCost | None) -> None:
    counting = Ask(CHAT.model, "token-counting", text=CHAT.text)

    assert costing(Report(), counting, custom=custom) == Cost()
    assert costing(Report(), counting, Ending("complete", None)) == Cost()


def test_an_unknown_model_has_no_cost_and_a_flag() -> None:
    unknown = Ask("made-up-9", "text-generation")

    assert costing(Report(usage=USED), unknown) == Cost(None, flags=(UNKNOWN,))
    assert costing(Report(usage=USED), Ask(None)) == Cost(None, flags=(UNKNOWN,))
    assert costing(Report(usage=USED), prices=None) == Cost(None, flags=(UNKNOWN,))


def test_a_unit_without_a_price_has_no_cost_and_a_flag() -> None:
    assert costing(Report(usage=Usage(images=2))) == Cost(None, flags=(UNKNOWN,))


@pytest.mark.parametrize("status", [200, 401, 429, 500])
def test_what_used_nothing_has_neither_cost_nor_flag(status: int) -> None:
    assert costing(Report(), status=status) == Cost()


@pytest.mark.parametrize("error", [ClientLeft(), None])
def test_what_was_not_answered_has_no_cost(error: GatewayError | None) -> None:
    attempt = Attempt("a", a_call(ask=CHAT), NOW, prices="openai", outcome=error)

    assert cost(attempt, Report(), Ending("complete", "")) == Cost()


@pytest.mark.parametrize("state", ["broken", "left", "complete"])
def test_a_stream_that_tells_nothing_is_estimated_from_its_text(state: Any) -> None:
    told = costing(Report(complete=False), STREAM, Ending(state, WORDS))

    # "12345678" and "Hello, you": two tokens, and three.
    assert told == Cost(about(2 * 2.5e-6 + 3 * 10e-6), flags=(ESTIMATED,))


def test_what_a_cut_stream_told_counts_and_only_the_rest_is_estimated() -> None:
    told = costing(Report(usage=Usage(tokens_in=1_000)), STREAM, Ending("left", WORDS))

    assert told == Cost(about(1_000 * 2.5e-6 + 3 * 10e-6), flags=(ESTIMATED,))


def test_a_cut_stream_that_told_all_so_far_is_no_estimate() -> None:
    assert costing(Report(usage=USED), STREAM, Ending("left", WORDS)) == Cost(about(PRICE))


@pytest.mark.parametrize("text", ["", 'event: error\ndata: {"type":"error"}\n\n'])
def test_a_stream_that_said_nothing_has_neither_cost_nor_flag(text: str | None) -> None:
    assert costing(Report(complete=False), STREAM, Ending("broken", text)) == Cost()


def test_an_estimate_of_an_unknown_model_has_no_cost_and_a_flag() -> None:
    ask = Ask("made-up-9", "text-generation", True, CHAT.text)

    assert costing(Report(), ask, Ending("left", WORDS)) == Cost(None, flags=(UNKNOWN,))


@pytest.mark.parametrize("task", ["text-generation", "text-to-image", "text-to-speech"])
def test_an_answer_that_nobody_could_read_has_no_cost_and_a_flag(task: str) -> None:
    unread = Ending("complete", None, 30_000_000)
    custom = CustomCost(1.0, 10.0)

    for stream in (False, True):
        ask = Ask(CHAT.model, task, stream, CHAT.text)
        assert costing(Report(), ask, unread) == Cost(None, flags=(UNKNOWN,))
        assert costing(Report(), ask, unread, custom=custom).flags == (UNKNOWN,)
        assert costing(Report(), ask, unread, custom=CustomCost(total_cost=1)).flags == ()


def test_what_nobody_could_read_and_is_no_answer_of_a_model_has_neither_cost_nor_flag() -> None:
    unread = Ending("complete", None, 30_000_000)

    assert costing(Report(), Ask("gpt-4o"), unread) == Cost()
    assert costing(Report(), ending=unread, status=500) == Cost()
    assert costing(Report(), ending=unread, status=101, kind="websocket", method="GET") == Cost()


def test_a_callers_prices_are_for_estimates_too() -> None:
    told = costing(Report(), STREAM, Ending("left", WORDS), custom=CustomCost(1.0, 10.0))

    assert told == Cost(about(2 + 30), custom=True, flags=(ESTIMATED,))


def test_of_a_deployment_the_answers_name_counts_and_elsewhere_the_requests() -> None:
    named, deployed = Ask("gpt-4o"), Ask("gpt-4o", deployed=True)
    report = Report("gpt-4.1", USED)  # of 2 and 8 USD for a million tokens

    assert costing(report, named).usd == pytest.approx(PRICE)
    assert costing(report, deployed).usd == pytest.approx(1_000 * 2e-6 + 100 * 8e-6)


def test_the_terms_of_a_request_count_unless_the_answer_says_otherwise() -> None:
    ask = Ask("gpt-4.1", text='{"service_tier":"priority"}')
    dear = 1_000 * 3.5e-6 + 100 * 14e-6

    assert costing(Report(usage=USED), ask).usd == pytest.approx(dear)
    served = Report(usage=USED, terms={"service_tier": "default"})
    assert costing(served, ask).usd == pytest.approx(1_000 * 2e-6 + 100 * 8e-6)


@pytest.mark.parametrize("prefix", ["us", "eu", "global"])
def test_a_region_has_prices_of_its_own(prefix: str) -> None:
    ask = Ask(f"{prefix}.anthropic.claude-haiku-4-5-20251001-v1:0")
    report = Report("claude-haiku-4-5-20251001", USED)
    extra = 1.0 if prefix == "global" else 1.1

    told = costing(report, ask, prices="aws")

    assert told.usd == pytest.approx(extra * (1_000 * 1e-6 + 100 * 5e-6))


def test_a_model_that_is_sold_by_others_costs_what_its_maker_takes() -> None:
    report = Report("gpt-4o-2024-11-20", USED)

    assert costing(report, Ask("my-gpt", deployed=True), prices="azure").usd == pytest.approx(PRICE)


def test_the_terms_of_a_maker_are_not_those_of_another_who_sells_its_models() -> None:
    ask = Ask("gpt-4.1", text='{"service_tier":"priority"}')

    told = costing(Report(usage=USED), ask, prices="azure")

    assert told.usd == pytest.approx(1_000 * 2e-6 + 100 * 8e-6)


def test_media_have_prices() -> None:
    def usd(prices: str, model: str, **usage: Any) -> float | None:
        return costing(Report(usage=Usage(**usage)), Ask(model), prices=prices).usd

    assert usd("openai", "tts-1", characters=1_000) == pytest.approx(0.015)
    assert usd("openai", "whisper-1", audio_seconds=60.0) == pytest.approx(0.006)
    assert usd("groq", "whisper-large-v3", audio_seconds=2.0) == pytest.approx(10 * 0.111 / 3600)
    assert usd("deepgram", "aura-2-thalia-en", characters=1_000) == pytest.approx(0.03)
    assert usd("deepgram", "nova-2:phonecall", audio_seconds=60.0) == pytest.approx(60 * 7.167e-5)
    assert usd("cohere", "rerank-v3.5", searches=3) == pytest.approx(0.006)
    assert usd("fal", "fal-ai/flux/schnell", images=2) == pytest.approx(0.006)
    assert usd("aws", "amazon.titan-image-generator-v2:0", images=2) == pytest.approx(0.016)
    # Credits, of which this model takes half of one for a character.
    assert usd("elevenlabs", "eleven_flash_v2_5", characters=10) == pytest.approx(10 * 8e-5)
    # Its price is by the size, which only the request knows.
    assert usd("fal", "fal-ai/nano-banana-pro", images=2) is None


def test_the_table_is_small() -> None:
    assert sum(map(len, MODELS.values())) < 300_000
