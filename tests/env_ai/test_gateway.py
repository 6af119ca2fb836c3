"""`env.AI.gateway(id)`, what a binding's props allow, and what cannot be called."""

import json
from typing import Any

import pytest

from env_ai.conftest import Caller
from worker.scripted import ScriptedUpstream, Wire

MODEL = "@cf/meta/llama-3.1-8b-instruct"


def test_the_addresses_of_a_gateway(js: Caller) -> None:
    place = f"{js.gateway.url}/v1/local/default".replace("127.0.0.1", "localhost")

    assert js.told("getUrl") == [f"{place}/openai", f"{place}/workers-ai", f"{place}/"]


def test_a_single_entry_is_answered_in_the_vendor_s_own_shape(js: Caller) -> None:
    told = js.told("universal")

    assert json.loads(told["text"])["result"]["response"]
    assert js.gateway.row(told["headers"]["cf-aig-log-id"])["metadata"] == {"team": "green"}


def test_an_entry_with_a_token_goes_to_the_account_of_the_gateway_at_cloudflare(
    js: Caller, upstream: ScriptedUpstream
) -> None:
    async def answer(wire: Wire) -> None:
        await wire.whole("200 OK", "application/json", b'{"result": {"response": "Hi"}}')

    answer.__name__ = f"client/v4/accounts/local/ai/run/{MODEL}"
    upstream.learn(answer)

    told = js.told("tokened")

    assert json.loads(told["text"]) == {"result": {"response": "Hi"}}
    assert upstream.last().target == f"/script/{answer.__name__}"
    assert upstream.last().header("authorization") == "Bearer my-api-token"


def test_the_next_entry_answers_when_the_first_one_fails(js: Caller) -> None:
    told = js.told("fallback")

    assert (told["status"], told["headers"]["cf-aig-step"]) == (200, "1")
    failed, answered = js.gateway.rows_of_event("fell-back", 2)
    assert (failed["provider_error"], answered["success"]) == ("3040", True)


def test_a_row_of_the_log_is_read_and_its_metadata_changed(js: Caller) -> None:
    log_id = js.told("rawModel", model=MODEL)["headers"]["cf-aig-log-id"]

    assert js.told("patchLog", id=log_id, patch={"metadata": {"good": True}}) == "nothing"

    log = js.told("getLog", id=log_id)
    assert (log["id"], log["metadata"], log["dated"]) == (log_id, {"good": True}, True)


def test_metadata_that_is_null_is_refused_in_a_row(js: Caller) -> None:
    log_id = js.told("rawModel", model=MODEL)["headers"]["cf-aig-log-id"]

    error = js.error("patchLog", id=log_id, patch={"metadata": {"good": None}})

    assert "metadata.good" in error["message"]


def test_a_row_that_is_not_there_is_the_binding_s_own_error(js: Caller) -> None:
    assert js.error("getLog", id="nope")["name"] == "AiGatewayLogNotFound"


def test_a_gateway_that_does_not_exist_is_told(js: Caller) -> None:
    error = js.error("model", model=MODEL, options={"gateway": {"id": "nobody"}})

    assert error["message"].startswith("2001: ")


def test_a_closed_gateway_is_open_to_a_binding(js: Caller) -> None:
    with js.gateway.another("closed", authentication=True):
        assert js.told("model", model=MODEL, options={"gateway": {"id": "closed"}})["response"]


def test_models_are_listed(js: Caller) -> None:
    assert js.told("models")[0]["name"] == MODEL


def test_props_add_metadata_that_the_caller_cannot_change(js: Caller) -> None:
    options = {"gateway": {"metadata": {"team": "blue", "user": 1}}}

    told = js.told("rawModel", bound="CONFINED", model=MODEL, options=options)

    row = js.gateway.row(told["headers"]["cf-aig-log-id"])
    assert row["metadata"] == {"team": "red", "user": 1}


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("@cf/other/model", {}),
        ("@cf/meta/llama/more", {}),
        ("groq/llama", {}),
        (MODEL, {"gateway": {"id": "other"}}),
    ],
)
def test_props_confine_a_caller_to_a_gateway_and_to_models(
    js: Caller, model: str, options: dict[str, object]
) -> None:
    error = js.error("model", bound="CONFINED", model=model, options=options)

    assert error["message"].startswith("7506: This binding does not allow ")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("application/json", '{"model": "gpt-4o", "messages": []}'),
        ("multipart/form-data; boundary=x", '--x\r\nContent-Disposition: form-data; name="model"'),
    ],
)
def test_props_do_not_let_bytes_name_another_model(js: Caller, kind: str, said: str) -> None:
    asked = {"model": "openai/gpt-5-mini", "said": said, "kind": kind}

    error = js.error("disguised", bound="CONFINED", **asked)

    assert error["message"].startswith("7506: This binding does not allow bytes as the input of")


def test_props_keep_their_metadata_on_a_row_and_other_rows_away(js: Caller) -> None:
    mine, other = (
        js.told("rawModel", bound=bound, model=MODEL)["headers"]["cf-aig-log-id"]
        for bound in ("CONFINED", None)
    )
    patch = {"metadata": {"team": "blue", "good": True}}

    js.told("patchLog", bound="CONFINED", id=mine, patch=patch)

    assert js.told("getLog", id=mine)["metadata"] == {"team": "red", "good": True}
    for name in ("getLog", "patchLog"):
        error = js.error(name, bound="CONFINED", id=other, patch=patch)
        assert error["name"] == "AiGatewayLogNotFound"


def test_props_confine_the_entries_of_a_list_too(js: Caller) -> None:
    told = js.told("fallback", bound="CONFINED")

    assert told["status"] == 403


def test_props_that_are_wrong_open_nothing(js: Caller) -> None:
    error = js.error("model", bound="WRONG", model=MODEL)

    assert "its props are wrong at 'gatway'" in error["message"]


@pytest.mark.parametrize(
    "method",
    ["env", "ctx", "__init__", "__getattribute__", "__class__", "_x", "destroy", "toJs", "answer"],
)
def test_nothing_but_the_documented_methods_can_be_called(js: Caller, method: str) -> None:
    error = js.error("call", method=method, args=["env"])

    assert error["name"] == "TypeError"
    assert ".py" not in error["message"]


@pytest.mark.parametrize("args", [[], ["@cf/x", 5], ["@cf/x", "no JSON"]])
def test_a_call_with_wrong_arguments_is_a_type_error(js: Caller, args: list[object]) -> None:
    assert js.error("call", method="run", args=args)["name"] == "TypeError"


@pytest.mark.parametrize(
    ("method", "args"),
    [
        ("run", ["noDate", "entry"]),
        ("run", [MODEL, "noDate"]),
        ("run", [MODEL, "dateWithin"]),
        ("run", [MODEL, "set"]),
        ("run", [MODEL, "texts"]),
        ("run", [MODEL, "function"]),
        ("run", [MODEL, "stream"]),
        ("run", [MODEL, "streams"]),
        ("run", [MODEL, "error"]),
        ("run", [MODEL, "deep"]),
        ("run", [MODEL, "deeper"]),
        ("run", [MODEL, {"prompt": "Hi"}, "noDate"]),
        ("run", [MODEL, {"prompt": "Hi"}, "set"]),
        ("run", [MODEL, {"prompt": "Hi"}, "no options"]),
        ("models", ["noDate"]),
        ("models", [5]),
        ("gateway", ["noDate"]),
        ("gateway", [5]),
    ],
)
def test_an_argument_that_no_json_has_is_a_type_error_without_a_traceback(
    js: Caller, stand_in: Any, method: str, args: list[object]
) -> None:
    before = stand_in()["runs"].get(MODEL, 0)

    error = js.error("odd", method=method, args=args)

    assert error["name"] == "TypeError"
    assert ".py" not in error["message"] + error["stack"]
    assert stand_in()["runs"].get(MODEL, 0) == before


@pytest.mark.parametrize(
    ("method", "args"),
    [
        ("run", [5]),
        ("run", ["entry", "bigint"]),
        ("run", ["entry", "deep"]),
        ("run", ["entry", [1]]),
        ("getUrl", ["noDate"]),
        ("getLog", [5]),
        ("patchLog", ["an-id", 5]),
        ("patchLog", ["an-id", [1]]),
    ],
)
def test_a_gateway_takes_texts_and_objects_alone(
    js: Caller, method: str, args: list[object]
) -> None:
    error = js.error("oddGateway", method=method, args=args)

    assert error["name"] == "TypeError"
    assert ".py" not in error["message"] + error["stack"]
