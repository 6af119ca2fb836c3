"""The gateway as the AI binding of another Worker."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from bound.binding import Binding, Inputs, Ran, failure, refusal
from bound.holder import Holder
from call import Failure, Reply
from deployment import Deployment
from errors import LogNotFound, Misconfigured, NotAllowed, NotBuilt, UnknownGateway
from fakes import ENCRYPTION_KEY, Bench, FakeAi, FakeBody, an_answer
from isolate import Isolate

MODEL = "openai/gpt-5-mini"
MESSAGES = {"messages": [{"role": "user", "content": "Hi"}]}
ANSWER = '{"model": "gpt-5-mini", "choices": [], "usage": {"prompt_tokens": 9}}'


@pytest.fixture
async def binding(bench: Bench) -> AsyncIterator[Binding]:
    await bench.store("openai", "sk-stored")
    yield Binding(Holder("acme", "main"), bench.isolate, bench.ports)
    await bench.background.run()


async def run(
    bench: Bench, binding: Binding, model: str = MODEL, gateway: Mapping[str, Any] | None = None
) -> Ran:
    ran = await binding.run(model, Inputs(MESSAGES), {"gateway": gateway or {}})
    await bench.background.run()
    return ran


async def test_a_model_of_a_vendor_is_run_with_the_key_that_the_gateway_stores(
    bench: Bench, binding: Binding
) -> None:
    bench.fetch.script.append(an_answer(ANSWER))

    ran = await run(bench, binding)

    [sent] = bench.fetch.sent
    assert (ran.reply.status, sent.url) == (200, "https://api.openai.com/v1/chat/completions")
    assert sent.headers["authorization"] == "Bearer sk-stored"
    assert sent.body is not None
    assert json.loads(await sent.body.text() or "") == MESSAGES | {"model": "gpt-5-mini"}
    assert bench.database.rows("logs")[0]["tokens_in"] == 9


@pytest.mark.parametrize(
    ("inputs", "path"),
    [
        ({"messages": []}, "chat/completions"),
        ({"input": "Hi"}, "responses"),
        ({"prompt": "Hi"}, "completions"),
        ({"input": "Hi", "voice": "alloy"}, "audio/speech"),
    ],
)
async def test_the_fields_of_the_inputs_tell_the_task(
    bench: Bench, binding: Binding, inputs: dict[str, Any], path: str
) -> None:
    bench.fetch.script.append(an_answer(ANSWER))

    await binding.run(MODEL, Inputs(inputs), {})

    assert bench.fetch.sent[0].url == f"https://api.openai.com/v1/{path}"


async def test_options_of_the_gateway_do_what_their_headers_do(
    bench: Bench, binding: Binding
) -> None:
    bench.fetch.script += [an_answer("{}", status=503), an_answer(ANSWER)]
    retries = {"maxAttempts": 2, "retryDelayMs": 0, "backoff": "constant"}
    metadata = {"user": 7, "nothing": None}

    ran = await run(
        bench, binding, gateway={"eventId": "order-7", "retries": retries, "metadata": metadata}
    )

    rows = bench.database.rows("logs")
    assert [row["event_id"] for row in rows] == ["order-7"] * 2
    assert [json.loads(row["metadata"]) for row in rows] == [{"user": 7}] * 2
    assert ran.reply.headers["cf-aig-event-id"] == "order-7"


async def test_a_run_is_kept_and_found_again_as_the_options_say(
    bench: Bench, binding: Binding
) -> None:
    bench.fetch.script += [an_answer(ANSWER), an_answer(ANSWER)]
    kept = {"cacheTtl": 60, "cacheKey": "mine"}

    said = [
        (await run(bench, binding, gateway=wish)).reply.headers["cf-aig-cache-status"]
        for wish in (kept, kept, kept | {"skipCache": True})
    ]

    assert said == ["MISS", "HIT", "MISS"]


@pytest.mark.parametrize("wish", [{"cacheTtl": 0}, {"cacheTtl": None}, {"cacheKey": ""}])
async def test_an_empty_wish_asks_for_no_cache(
    bench: Bench, binding: Binding, wish: dict[str, Any]
) -> None:
    bench.fetch.script += [an_answer(ANSWER), an_answer(ANSWER)]

    for _ in range(2):
        assert (await run(bench, binding, gateway=wish)).reply.status == 200

    assert len(bench.fetch.sent) == 2


async def test_a_run_may_ask_not_to_be_logged(bench: Bench, binding: Binding) -> None:
    bench.fetch.script.append(an_answer(ANSWER))

    await run(bench, binding, gateway={"collectLog": False})

    assert bench.database.rows("logs") == []


async def test_headers_of_the_caller_s_go_with_the_run(bench: Bench, binding: Binding) -> None:
    bench.fetch.script.append(an_answer(ANSWER))
    extra = {"OpenAI-Beta": "x", "Authorization": "Bearer own"}

    await binding.run(MODEL, Inputs(MESSAGES), {"extraHeaders": extra})

    headers = bench.fetch.sent[0].headers
    assert (headers["openai-beta"], headers["authorization"]) == ("x", "Bearer own")


async def test_a_closed_gateway_needs_no_token_of_a_binding(bench: Bench, binding: Binding) -> None:
    bench.database.add_gateway("closed", '{"authentication":true}')
    bench.fetch.script.append(an_answer(ANSWER))
    options = {"gateway": {"id": "closed"}, "extraHeaders": {"Authorization": "Bearer own"}}

    ran = await replace(binding, holder=Holder("acme")).run(MODEL, Inputs(MESSAGES), options)

    assert ran.reply.status == 200


@pytest.mark.parametrize(
    ("model", "options", "status"),
    [
        ("opnai/gpt-5", {}, 400),
        ("dynamic/route", {}, 501),
        ("azure-openai/gpt-5", {}, 400),
        (MODEL, {"websocket": True}, 501),
        (MODEL, {"extraHeaders": {"Upgrade": "websocket"}}, 501),
    ],
)
async def test_a_run_that_cannot_be_made_is_refused_and_logged(
    bench: Bench, binding: Binding, model: str, options: dict[str, Any], status: int
) -> None:
    ran = await binding.run(model, Inputs(MESSAGES), options)
    await bench.background.run()

    assert ran.reply.status == status
    [row] = bench.database.rows("logs")
    assert (row["model"], row["success"], row["status_code"]) == (model, 0, status)


async def test_bytes_go_as_they_are_and_the_rest_stands_in_the_query(bench: Bench) -> None:
    ai = FakeAi(an_answer("{}"))
    ports = replace(bench.ports, ai=ai)
    binding = Binding(Holder("acme", "main"), bench.isolate, ports)
    inputs = Inputs({"language": "it", "smart": True}, FakeBody(None), "audio/mpeg")

    await binding.run("@cf/deepgram/nova-3", inputs, {"queueRequest": True})

    await bench.background.run()
    [asked] = ai.runs
    assert json.loads(asked.inputs) == {"language": "it", "smart": "true"}
    assert json.loads(asked.options) == {"queueRequest": True}


@pytest.mark.parametrize(
    "kind", ["application/json", "multipart/form-data; boundary=x", "text/plain"]
)
@pytest.mark.parametrize("model", [MODEL, "google-ai-studio/gemini-2.5-flash"])
async def test_bytes_that_may_name_another_model_are_refused_where_models_are_confined(
    bench: Bench, binding: Binding, model: str, kind: str
) -> None:
    confined = replace(binding, holder=Holder("acme", "main", models=("openai/*", "*/gemini*")))
    body = FakeBody(json.dumps(MESSAGES | {"model": "gpt-4o"}))

    ran = await confined.run(model, Inputs(MESSAGES, body, kind), {})
    await bench.background.run()

    assert (ran.reply.status, bench.fetch.sent) == (403, [])
    assert bench.database.rows("logs")[0]["model"] == model


async def test_bytes_are_run_where_no_model_is_refused_or_the_path_names_it(
    bench: Bench, binding: Binding
) -> None:
    bench.fetch.script.append(an_answer(ANSWER))
    ai = FakeAi(an_answer("{}"))
    confined = Binding(
        Holder("acme", "main", models=("@cf/deepgram/*",)),
        bench.isolate,
        replace(bench.ports, ai=ai),
    )

    free = await binding.run(MODEL, Inputs(MESSAGES, FakeBody("{}")), {})
    heard = await confined.run("@cf/deepgram/nova-3", Inputs({}, FakeBody(None), "audio/mpeg"), {})

    await bench.background.run()
    assert (free.reply.status, heard.reply.status, len(ai.runs)) == (200, 200, 1)


async def test_a_gateway_that_is_not_there_is_no_run(bench: Bench) -> None:
    with pytest.raises(UnknownGateway):
        await Binding(Holder("acme"), bench.isolate, bench.ports).run(MODEL, Inputs({}), {})


async def test_entries_of_a_list_are_tried_in_their_order(bench: Bench, binding: Binding) -> None:
    bench.fetch.script += [an_answer("{}", status=500), an_answer(ANSWER)]
    one = {"provider": "openai", "endpoint": "chat/completions", "query": MESSAGES}

    reply = await binding.universal("main", json.dumps([one, one]), {})

    assert (reply.status, reply.headers["cf-aig-step"]) == (200, "1")


async def test_addresses_begin_where_the_deployment_is(bench: Bench) -> None:
    deployment = Deployment("secret", encryption_key=ENCRYPTION_KEY, origin="https://ai.test")
    binding = Binding(Holder("acme"), Isolate(deployment, bench.clock), bench.ports)

    assert [binding.url("red", name) for name in ("openai", None, "universal")] == [
        "https://ai.test/v1/acme/red/openai",
        "https://ai.test/v1/acme/red/",
        "https://ai.test/v1/acme/red/",
    ]


async def test_a_deployment_that_does_not_know_its_address_says_so(binding: Binding) -> None:
    with pytest.raises(Misconfigured, match="ORIGIN"):
        binding.url("main", None)


async def test_a_row_of_the_log_is_read_and_judged(bench: Bench, binding: Binding) -> None:
    bench.fetch.script.append(an_answer(ANSWER))
    log_id = (await run(bench, binding)).reply.headers["cf-aig-log-id"]

    await binding.patch_log("main", log_id, {"feedback": 1, "score": 80})

    log = await binding.log("main", log_id)
    assert (log["id"], log["feedback"], log["score"]) == (log_id, 1, 80)
    with pytest.raises(LogNotFound):
        await binding.log("main", "nope")
    with pytest.raises(NotAllowed):
        await binding.log("another", log_id)


async def test_metadata_of_the_props_stays_on_a_row_that_is_changed(
    bench: Bench, binding: Binding
) -> None:
    bench.fetch.script.append(an_answer(ANSWER))
    red = replace(binding, holder=Holder("acme", metadata={"team": "red"}))
    log_id = (await run(bench, red, gateway={"id": "main"})).reply.headers["cf-aig-log-id"]
    patches: list[dict[str, Any]] = [
        {"metadata": {"team": "blue", "good": True}},
        {"score": 5},
        {"metadata": {}},
        {"metadata": None},
    ]

    seen: list[object] = []
    for patch in patches:
        await red.patch_log("main", log_id, patch)
        seen.append((await red.log("main", log_id))["metadata"])

    assert seen == [{"team": "red", "good": True}] * 2 + [{"team": "red"}] * 2


async def test_a_row_without_the_metadata_of_the_props_is_not_there(
    bench: Bench, binding: Binding
) -> None:
    bench.fetch.script += [an_answer(ANSWER), an_answer(ANSWER)]
    bare = (await run(bench, binding)).reply.headers["cf-aig-log-id"]
    blue = (await run(bench, binding, gateway={"metadata": {"team": "blue", "app": 1}})).reply
    red = replace(binding, holder=Holder("acme", metadata={"team": "red"}))

    for log_id in (bare, blue.headers["cf-aig-log-id"]):
        with pytest.raises(LogNotFound):
            await red.log("main", log_id)
        with pytest.raises(LogNotFound):
            await red.patch_log("main", log_id, {"metadata": {"team": "red"}})
        assert (await binding.log("main", log_id))["metadata"] in (None, {"team": "blue", "app": 1})


async def test_models_are_listed_where_the_platform_runs_some(
    bench: Bench, binding: Binding
) -> None:
    ai = FakeAi(an_answer("{}"))

    assert await replace(binding, ports=replace(bench.ports, ai=ai)).models("{}") == "[]"
    with pytest.raises(NotBuilt):
        await binding.models("{}")


@pytest.mark.parametrize(
    ("failed", "text", "message"),
    [
        (Failure("3040", "Full", True), "", "3040: Full"),
        (Failure(None, "Full", True), "", "429: Full"),
        (None, '{"internalCode": 5007, "description": "No such model"}', "5007: No such model"),
        (None, "plain", "429: plain"),
        (None, "[" * 100_000, "429: " + "[" * 100_000),
    ],
)
def test_an_error_tells_its_number_and_its_message(
    failed: Failure | None, text: str, message: str
) -> None:
    reply = Reply(429, {}, failed=failed)

    assert failure(reply, text) == ("InferenceUpstreamError", message)
    assert refusal(NotBuilt("It")) == ("InferenceUpstreamError", f"7503: {NotBuilt('It').message}")
    assert refusal(LogNotFound("x")) == ("AiGatewayLogNotFound", LogNotFound("x").message)
