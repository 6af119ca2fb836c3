"""The `cf-aig-*` headers, as a caller uses them."""

import httpx
import pytest

from running import Gateway, post

CHAT_REQUEST = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Hello"}]}


def ask(gateway: Gateway, **headers: str) -> httpx.Response:
    sent = {f"cf-aig-{name.replace('_', '-')}": value for name, value in headers.items()}
    url = f"{gateway.openai}/script/json_answer"
    return post(url, json=CHAT_REQUEST, headers=sent)


def test_an_event_id_is_echoed_and_groups_rows(gateway: Gateway) -> None:
    response = ask(gateway, event_id="my-event")

    assert response.headers["cf-aig-event-id"] == "my-event"
    assert response.headers["cf-aig-log-id"] == response.headers["cf-aig-request-id"]
    assert gateway.row_of(response)["event_id"] == "my-event"


def test_metadata_is_kept_with_the_row(gateway: Gateway) -> None:
    response = ask(gateway, metadata='{"user":"\\u00fc1","n":3,"pro":true,"cf.user_id":"forged"}')

    assert gateway.row_of(response)["metadata"] == {"user": "ü1", "n": 3, "pro": True}


def test_a_row_can_be_declined(gateway: Gateway) -> None:
    response = ask(gateway, collect_log="false", event_id="declined")

    assert response.status_code == 200
    assert "cf-aig-log-id" not in response.headers
    after = ask(gateway, event_id="kept")
    gateway.row_of(after)
    events = [row["event_id"] for row in gateway.ask("/logs").json()["result"]]
    assert "kept" in events
    assert "declined" not in events


def test_bodies_can_be_declined_and_the_row_kept(gateway: Gateway) -> None:
    row = gateway.row_of(ask(gateway, collect_log_payload="false"))

    assert (row["request_head"], row["response_head"]) == (None, None)
    assert (row["tokens_in"], row["tokens_out"]) == (12, 7)


@pytest.mark.parametrize(
    ("header", "value", "rule"),
    [
        ("request-timeout", "soon", "Use a whole number of milliseconds, 1 to 2147483647"),
        ("collect-log", "yes", "Use `true` or `false`"),
        ("collect-log-payload", "", "Use `true` or `false`"),
        ("metadata", '{"a":null}', "the value of 'a' is not"),
        ("metadata", "[1]", "Use a flat JSON object"),
        ("event-id", "x" * 257, "Use 1 to 256 printable ASCII characters"),
    ],
)
def test_a_malformed_header_is_refused_by_name_value_and_rule(
    gateway: Gateway, header: str, value: str, rule: str
) -> None:
    response = ask(gateway, **{header.replace("-", "_"): value})

    assert response.status_code == 400
    assert response.json()["internalCode"] == 7001
    message = response.json()["message"]
    assert f"`cf-aig-{header}`" in message
    assert repr(value) in message
    assert rule in message
    assert gateway.row_of(response)["error_code"] == 7001


@pytest.mark.parametrize("opened", ["[" * 4000, '{"a":' * 1500])
def test_a_header_that_nests_deep_is_refused_and_ends_nothing(
    gateway: Gateway, opened: str
) -> None:
    url = f"{gateway.openai}/script/json_answer"

    refused = post(url, json={}, headers={"cf-aig-metadata": f'{{"a":{opened}'})
    after = post(url, json={})

    assert (refused.status_code, refused.json()["error"][0]["code"]) == (400, 7001)
    assert after.status_code == 200
