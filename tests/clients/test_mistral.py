"""Mistral's own SDK, unmodified, with another server URL."""

from collections.abc import Iterator

import pytest
from mistralai.client import Mistral
from mistralai.client.errors import SDKError
from mistralai.client.models import UserMessage

from clients.rows import only_row
from running import Gateway

MODEL = "mistral-small-latest"
HELLO = [UserMessage(content="Hello")]


@pytest.fixture
def client(place: Gateway) -> Iterator[Mistral]:
    with Mistral(server_url=f"{place.address}/mistral", api_key="a-key") as client:
        yield client


def test_a_chat(client: Mistral, place: Gateway) -> None:
    completion = client.chat.complete(model=MODEL, messages=HELLO)

    usage = completion.usage
    assert completion.choices[0].message
    assert completion.choices[0].message.content
    row = only_row(place)
    assert (row["provider"], row["model"], row["success"]) == ("mistral", MODEL, True)
    assert (row["tokens_in"], row["tokens_out"]) == (usage.prompt_tokens, usage.completion_tokens)
    assert row["user_agent"].startswith("mistral-client-python/")


def test_a_chat_as_a_stream(client: Mistral, place: Gateway) -> None:
    with client.chat.stream(model=MODEL, messages=HELLO) as stream:
        chunks = [event.data for event in stream]

    text = "".join(str(chunk.choices[0].delta.content or "") for chunk in chunks if chunk.choices)
    assert "Hello" in text
    row = only_row(place)
    assert (row["provider"], row["model"], row["success"]) == ("mistral", MODEL, True)
    # The mock counts no tokens of a stream that does not ask for it.
    assert row["tokens_out"] is None


def test_an_error_of_the_provider_is_the_client_s_own_error(
    client: Mistral, place: Gateway, rate_limited: None
) -> None:
    with pytest.raises(SDKError) as raised:
        client.chat.complete(model=MODEL, messages=HELLO)

    assert raised.value.status_code == 429
    row = only_row(place)
    assert (row["model"], row["status_code"], row["success"]) == (MODEL, 429, False)
