"""Cohere's own SDK, unmodified, with another base URL."""

from collections.abc import Iterator

import cohere
import httpx
import pytest
from cohere.core.request_options import RequestOptions
from cohere.errors import TooManyRequestsError

from clients.rows import only_row
from running import Gateway
from worker.aimock import OVERLOADED, SAID, USAGE

MODEL = "command-a-03-2025"
HELLO: list[cohere.ChatMessageV2] = [cohere.UserChatMessageV2(content="Hello")]


@pytest.fixture
def client(place: Gateway) -> Iterator[cohere.ClientV2]:
    with (
        httpx.Client() as http,
        cohere.ClientV2("a-key", base_url=f"{place.address}/cohere", httpx_client=http) as client,
    ):
        yield client


def test_a_chat(client: cohere.ClientV2, place: Gateway) -> None:
    answer = client.chat(model=MODEL, messages=HELLO)

    assert answer.message.content
    assert [part.text for part in answer.message.content if part.type == "text"] == [SAID]
    row = only_row(place)
    assert (row["provider"], row["model"], row["success"]) == ("cohere", MODEL, True)
    assert (row["tokens_in"], row["tokens_out"]) == tuple(USAGE.values())


def test_a_chat_as_a_stream(client: cohere.ClientV2, place: Gateway) -> None:
    events = list(client.chat_stream(model=MODEL, messages=HELLO))

    assert events[-1].type == "message-end"
    row = only_row(place)
    assert (row["provider"], row["model"], row["success"]) == ("cohere", MODEL, True)
    assert (row["tokens_in"], row["tokens_out"]) == tuple(USAGE.values())


def test_an_error_of_the_provider_is_the_client_s_own_error(
    client: cohere.ClientV2, place: Gateway
) -> None:
    overloaded: list[cohere.ChatMessageV2] = [cohere.UserChatMessageV2(content=OVERLOADED)]
    once: RequestOptions = {"max_retries": 0}

    with pytest.raises(TooManyRequestsError):
        client.chat(model=MODEL, messages=overloaded, request_options=once)

    row = only_row(place)
    assert (row["model"], row["status_code"], row["success"]) == (MODEL, 429, False)
