"""What a collector learns of a call."""

import json
from typing import Any

import pytest

import collector
from call import Request
from errors import Unreachable
from fakes import NOW, Bench, a_request, an_answer, an_entry, universal
from management import asked, result

CHAT = json.dumps(
    {
        "model": "gpt-5-2026",
        "usage": {
            "prompt_tokens": 12,
            "completion_tokens": 7,
            "prompt_tokens_details": {"cached_tokens": 4},
            "completion_tokens_details": {"reasoning_tokens": 3},
        },
    }
)
TRACE = "4BF92F3577B34DA6A3CE929D0E0E4736"
PARENT = "00F067AA0BA902B7"
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
DESTINATIONS = [{"url": "https://otel.example.com/v1/traces"}]


@pytest.fixture
def traced(bench: Bench) -> Bench:
    bench.settings(authentication=False, otel=DESTINATIONS)
    return bench


async def ask(bench: Bench, request: Request | None = None) -> list[dict[str, Any]]:
    await bench.handle(request or a_request())
    return collector.spans(bench.post.sent[-1][2])


async def test_a_call_is_a_span_with_its_attempt_below_it(traced: Bench) -> None:
    traced.fetch.script += [an_answer(CHAT)]

    root, attempt = await ask(traced)

    row = traced.database.rows("logs")[0]
    assert (root["name"], root["kind"], root["status"]) == ("cf.aig.request", 2, {})
    assert "parentSpanId" not in root
    assert (attempt["name"], attempt["kind"]) == ("chat gpt-5", 3)
    assert attempt["parentSpanId"] == root["spanId"]
    assert attempt["traceId"] == root["traceId"]
    assert attempt["spanId"] == row["id"].replace("-", "")[16:]
    assert attempt["startTimeUnixNano"] == f"{NOW:.0f}000000"
    assert not any(name.startswith("gen_ai.") for name in root["attributes"])


async def test_an_attempt_tells_model_usage_and_server(traced: Bench) -> None:
    traced.fetch.script += [an_answer(CHAT)]

    _, attempt = await ask(traced)

    told = attempt["attributes"]
    assert {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.model.provider": "openai",
        "gen_ai.request.model": "gpt-5",
        "gen_ai.response.model": "gpt-5-2026",
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.usage.cache_read.input_tokens": 4,
        "gen_ai.usage.reasoning.output_tokens": 3,
        "http.response.status_code": 200,
        "server.address": "api.openai.com",
        "sluice.cached": False,
        "sluice.log_id": traced.database.rows("logs")[0]["id"],
    }.items() <= told.items()
    assert "error.type" not in told
    assert json.loads(told["gen_ai.prompt_json"])["model"] == "gpt-5"
    assert told["gen_ai.completion_json"] == CHAT


async def test_a_cost_goes_with_it_where_it_is_known(traced: Bench) -> None:
    traced.fetch.script += [an_answer('{"usage":{"prompt_tokens":1,"cost":0.25}}')]
    url = "https://sluice.test/v1/acme/main/openrouter/chat/completions"

    _, attempt = await ask(traced, a_request(url=url))

    assert attempt["attributes"]["gen_ai.usage.cost"] == 0.25


async def test_the_service_is_named(traced: Bench) -> None:
    traced.fetch.script += [an_answer(CHAT)]
    await ask(traced)

    assert collector.service(traced.post.sent[0][2]) == "ai-gateway"


async def test_vendors_have_the_names_of_the_conventions(traced: Bench) -> None:
    traced.fetch.script += [an_answer("{}")]
    url = "https://sluice.test/v1/acme/main/grok/v1/chat/completions"

    _, attempt = await ask(traced, a_request(url=url))

    told = attempt["attributes"]
    assert (told["gen_ai.provider.name"], told["gen_ai.model.provider"]) == ("x_ai", "grok")


async def test_bodies_are_not_exported_where_they_are_not_kept(traced: Bench) -> None:
    traced.fetch.script += [an_answer(CHAT)]

    await ask(traced, a_request({"cf-aig-collect-log-payload": "false"}))

    assert "_json" not in traced.post.sent[0][2]
    assert "messages" not in traced.post.sent[0][2]


async def test_what_is_not_logged_is_not_exported(traced: Bench) -> None:
    traced.fetch.script += [an_answer(CHAT)]

    await traced.handle(a_request({"cf-aig-collect-log": "false"}))

    assert traced.post.sent == []


async def test_a_long_body_is_cut_and_the_span_says_so(traced: Bench) -> None:
    traced.fetch.script += [an_answer(json.dumps({"long": "x" * 100_000}))]

    _, attempt = await ask(traced)

    assert len(attempt["attributes"]["gen_ai.completion_json"]) == 65_536
    assert attempt["attributes"]["sluice.payload_truncated"] is True


async def test_metadata_goes_with_both_spans_and_replaces_nothing(traced: Bench) -> None:
    traced.fetch.script += [an_answer(CHAT)]
    metadata = {"team": "blue", "n": 7, "vip": True, "gen_ai.usage.cost": 9, "server.address": "x"}

    root, attempt = await ask(traced, a_request({"cf-aig-metadata": json.dumps(metadata)}))

    for span in (root, attempt):
        told = span["attributes"]
        assert (told["team"], told["n"], told["vip"]) == ("blue", 7, True)
        assert told.get("gen_ai.usage.cost") != 9
    assert attempt["attributes"]["server.address"] == "api.openai.com"


async def test_each_attempt_is_a_span_and_a_failed_one_says_why(traced: Bench) -> None:
    error = '{"error":{"message":"Slow down","code":"rate_limit_exceeded"}}'
    traced.fetch.script += [
        an_answer(error, status=429),
        Unreachable("api.openai.com", 5),
        an_answer(CHAT),
    ]

    root, first, second, third = await ask(traced, a_request({"cf-aig-max-attempts": "3"}))

    assert root["status"] == third["status"] == {}
    assert first["status"] == second["status"] == {"code": 2}
    assert first["attributes"]["error.type"] == "rate_limit_exceeded"
    assert first["attributes"]["http.response.status_code"] == 429
    assert second["attributes"]["error.type"] == "Unreachable"
    assert [span["attributes"].get("http.request.resend_count") for span in (first, second, third)
            ] == [None, 1, 2]  # fmt: skip
    assert len({span["spanId"] for span in (root, first, second, third)}) == 4


async def test_the_steps_of_a_universal_request_are_spans_of_one_trace(traced: Bench) -> None:
    traced.fetch.script += [an_answer("{}", status=500), an_answer("{}")]

    root, first, second = await ask(traced, universal(an_entry("openai"), an_entry("groq")))

    assert {span["traceId"] for span in (first, second)} == {root["traceId"]}
    assert [span["attributes"]["gen_ai.model.provider"] for span in (first, second)] == [
        "openai",
        "groq",
    ]
    assert root["attributes"]["sluice.step"] == 1


async def test_a_request_whose_answer_is_not_logged_did_not_fail(traced: Bench) -> None:
    unlogged = {"authorization": "Bearer k", "cf-aig-collect-log": "false"}
    traced.fetch.script += [an_answer("{}", status=500), an_answer(CHAT)]

    root, attempt = await ask(
        traced, universal(an_entry("openai"), an_entry("groq", headers=unlogged))
    )

    assert (root["status"], attempt["status"]) == ({}, {"code": 2})
    assert "http.response.status_code" not in root["attributes"]
    assert attempt["attributes"]["http.response.status_code"] == 500
    [row] = traced.database.rows("logs")
    assert (row["status_code"], row["final"], row["attempt"]) == (500, 0, 1)
    totals = result(await asked(traced, "GET", "gateways/main/analytics"))["totals"]
    assert (totals["requests"], totals["attempts"], totals["failed"]) == (0, 1, 0)


async def test_a_call_that_reached_no_provider_is_one_span(traced: Bench) -> None:
    (root,) = await ask(traced, a_request({"cf-aig-max-attempts": "many"}))

    assert root["status"] == {"code": 2}
    assert root["attributes"]["error.type"] == "BadHeader"
    assert root["attributes"]["http.response.status_code"] == 400


async def test_an_answer_from_the_cache_is_one_span_that_cost_nothing(traced: Bench) -> None:
    traced.fetch.script += [an_answer(CHAT)]
    cached = {"cf-aig-cache-ttl": "60"}
    await ask(traced, a_request(cached))

    (root,) = await ask(traced, a_request(cached))

    told = root["attributes"]
    assert (told["sluice.cached"], told["gen_ai.usage.cost"]) == (True, 0)
    assert (told["gen_ai.usage.input_tokens"], told["gen_ai.request.model"]) == (0, "gpt-5")


@pytest.mark.parametrize(
    ("headers", "trace", "parent"),
    [
        ({"cf-aig-otel-trace-id": TRACE}, TRACE.lower(), None),
        (
            {"cf-aig-otel-trace-id": TRACE, "cf-aig-otel-parent-span-id": PARENT},
            TRACE.lower(),
            PARENT.lower(),
        ),
        ({"traceparent": TRACEPARENT}, TRACEPARENT[3:35], TRACEPARENT[36:52]),
        (
            {"traceparent": TRACEPARENT, "cf-aig-otel-parent-span-id": PARENT},
            TRACEPARENT[3:35],
            PARENT.lower(),
        ),
        ({"traceparent": TRACEPARENT, "cf-aig-otel-trace-id": TRACE}, TRACE.lower(), None),
    ],
)
async def test_a_call_joins_the_trace_that_it_names(
    traced: Bench, headers: dict[str, str], trace: str, parent: str | None
) -> None:
    traced.fetch.script += [an_answer(CHAT)]

    root, attempt = await ask(traced, a_request(headers))

    assert (root["traceId"], root.get("parentSpanId")) == (trace, parent)
    assert attempt["traceId"] == trace


@pytest.mark.parametrize(
    "traceparent",
    ["", "x", f"ff{TRACEPARENT[2:]}", f"00-{'0' * 32}-b7ad6b7169203331-01", TRACEPARENT[:-3]],
)
async def test_a_trace_that_names_none_is_a_new_one(traced: Bench, traceparent: str) -> None:
    traced.fetch.script += [an_answer(CHAT), an_answer(CHAT)]

    first, _ = await ask(traced, a_request({"traceparent": traceparent}))
    second, _ = await ask(traced, a_request({"traceparent": traceparent}))

    assert first["traceId"] != second["traceId"]
    assert "parentSpanId" not in first


@pytest.mark.parametrize(
    ("header", "digits"),
    [("cf-aig-otel-trace-id", 32), ("cf-aig-otel-parent-span-id", 16)],
)
@pytest.mark.parametrize("value", ["", "x", "{short}", "{zeros}", "{other}"])
async def test_a_trace_header_that_breaks_its_rule_is_refused(
    traced: Bench, header: str, digits: int, value: str
) -> None:
    values = {"short": "a" * (digits - 1), "zeros": "0" * digits, "other": "g" * digits}

    reply = await traced.handle(a_request({header: value.format(**values)}))

    assert reply.status == 400
    assert f"Use {digits} hexadecimal digits" in str(reply.body)


async def test_a_gateway_with_several_destinations_sends_to_each(bench: Bench) -> None:
    two = [*DESTINATIONS, {"url": "https://two.example.com/v1/traces"}]
    bench.settings(authentication=False, otel=two)
    bench.fetch.script += [an_answer(CHAT)]

    await ask(bench)

    assert [sent[0] for sent in bench.post.sent] == [one["url"] for one in two]
    assert bench.post.sent[0][2] == bench.post.sent[1][2]


async def test_the_stored_secrets_reach_the_collector(bench: Bench) -> None:
    shown = await bench.manage("GET", "gateways/main")
    required = ("cache_invalidate_on_update", "cache_ttl", "collect_logs")
    required += ("rate_limiting_interval", "rate_limiting_limit", "authentication")
    settings = {name: shown[name] for name in required}
    settings["otel"] = [DESTINATIONS[0] | {"authorization": "Bearer k", "headers": {"X-T": "b"}}]
    assert (await asked(bench, "PUT", "gateways/main", settings)).status == 200
    bench.fetch.script += [an_answer(CHAT)]

    await ask(bench)

    sent = {"authorization": "Bearer k", "x-t": "b", "content-type": "application/json"}
    assert bench.post.sent[0][1] == sent


async def test_a_gateway_without_destinations_sends_nothing(bench: Bench) -> None:
    bench.fetch.script += [an_answer(CHAT)]

    await bench.handle(a_request())

    assert bench.post.sent == []
