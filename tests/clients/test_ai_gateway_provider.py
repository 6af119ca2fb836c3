"""The npm package `ai-gateway-provider`, unmodified: the AI SDK through the universal endpoint."""

from pathlib import Path
from typing import Any

import pytest

from clients.node import answer_of
from clients.rows import only_row, rows
from running import Gateway
from worker.aimock import SAID, USAGE

PROGRAM = Path(__file__).with_name("ai_gateway_provider.mjs")
COUNTS = list(USAGE.values())


def run(gateway: Gateway, *models: str, **more: Any) -> dict[str, Any]:
    """Return what came of a request to some models, the first of them that answers."""
    return answer_of(PROGRAM, origin=gateway.url, gateway=gateway.name, models=models, **more)


@pytest.mark.parametrize("token", [None, "test-admin-token"], ids=["binding", "token"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("name", ["openai", "responses", "anthropic"])
def test_a_text(place: Gateway, name: str, stream: bool, token: str | None) -> None:
    told = run(place, name, stream=stream, token=token)

    assert told["text"]
    row = only_row(place)
    provider = "anthropic" if name == "anthropic" else "openai"
    assert (row["provider"], row["request_type"], row["success"]) == (provider, "universal", True)
    assert [row["tokens_in"], row["tokens_out"]] == told["tokens"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_the_next_model_answers_when_the_first_one_fails(
    place: Gateway, rate_limited: None, stream: bool
) -> None:
    told = run(place, "openai", "anthropic", stream=stream)

    assert told == {"text": SAID, "tokens": COUNTS}
    failed, answered = rows(place, 2)
    assert (failed["provider"], failed["step"], failed["status_code"]) == ("openai", 0, 429)
    assert (answered["provider"], answered["step"], answered["success"]) == ("anthropic", 1, True)
    assert failed["event_id"] == answered["event_id"]


def test_the_first_model_answers_alone_where_it_can(place: Gateway) -> None:
    told = run(place, "anthropic", "openai")

    assert told["text"] == SAID
    assert only_row(place)["step"] == 0


def test_an_error_of_the_last_provider_is_the_client_s_own_error(
    place: Gateway, rate_limited: None
) -> None:
    told = run(place, "openai")

    assert (told["error"], told["status"]) == ("APICallError", 429)
    assert only_row(place)["success"] is False


def test_a_stored_key_takes_the_place_of_the_client_s(place: Gateway) -> None:
    place.store("openai", "sk-stored")

    told = run(place, "openai without a key")

    assert told["text"]
    assert only_row(place)["byok"] is True


def test_the_client_s_options_are_read(place: Gateway) -> None:
    options = {
        "eventId": "an-event",
        "metadata": {"team": "red"},
        "requestTimeoutMs": 30_000,
        "retries": {"maxAttempts": 2, "retryDelayMs": 1, "backoff": "constant"},
        "cacheTtl": 60,
        "skipCache": True,
        "collectLog": True,
    }

    told = run(place, "anthropic", options=options)

    assert told["text"] == SAID
    row = only_row(place)
    assert (row["event_id"], row["metadata"]) == ("an-event", {"team": "red"})


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_gateway_that_does_not_exist_is_the_client_s_own_error(
    place: Gateway, stream: bool
) -> None:
    place.name = "nobody"

    assert run(place, "openai", stream=stream)["error"] == "AiGatewayDoesNotExist"


@pytest.mark.parametrize("token", [None, "wrong"])
def test_a_missing_or_wrong_token_is_the_client_s_own_error(
    place: Gateway, token: str | None
) -> None:
    with place.another(f"{place.name}-closed", authentication=True) as closed:
        told = run(closed, "openai", token=token)

        assert told["error"] == "AiGatewayUnauthorizedError"
        assert only_row(closed)["status_code"] == 401


def test_a_token_of_the_gateway_lets_the_client_in(place: Gateway) -> None:
    with place.another(f"{place.name}-closed", authentication=True) as closed:
        told = run(closed, "anthropic", token=place.admin_token)

        assert told["text"] == SAID
        assert only_row(closed)["success"] is True
