"""Anthropic's own SDK, unmodified, with another base URL."""

from collections.abc import Iterator

import anthropic
import pytest
from anthropic.types import MessageParam

from clients.rows import only_row
from running import Gateway
from worker.aimock import OVERLOADED, SAID, USAGE

MODEL = "claude-haiku-4-5"
HELLO: list[MessageParam] = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def client(place: Gateway) -> Iterator[anthropic.Anthropic]:
    address = f"{place.address}/anthropic"
    with anthropic.Anthropic(base_url=address, api_key="sk-test", max_retries=0) as client:
        yield client


def test_a_message(client: anthropic.Anthropic, place: Gateway) -> None:
    message = client.messages.create(model=MODEL, max_tokens=50, messages=HELLO)

    assert [block.text for block in message.content if block.type == "text"] == [SAID]
    row = only_row(place)
    assert (row["provider"], row["model"], row["success"]) == ("anthropic", MODEL, True)
    assert (row["tokens_in"], row["tokens_out"]) == tuple(USAGE.values())
    assert (message.usage.input_tokens, message.usage.output_tokens) == tuple(USAGE.values())
    assert row["user_agent"].startswith("Anthropic/Python")


def test_a_message_as_a_stream(client: anthropic.Anthropic, place: Gateway) -> None:
    with client.messages.stream(model=MODEL, max_tokens=50, messages=HELLO) as stream:
        text = "".join(stream.text_stream)
        message = stream.get_final_message()

    assert text == SAID
    row = only_row(place)
    assert (row["provider"], row["model"], row["success"]) == ("anthropic", MODEL, True)
    assert (row["tokens_in"], row["tokens_out"]) == tuple(USAGE.values())
    assert message.usage.output_tokens == row["tokens_out"]


def test_an_error_of_the_provider_is_the_client_s_own_error(
    client: anthropic.Anthropic, place: Gateway
) -> None:
    with pytest.raises(anthropic.RateLimitError) as raised:
        client.messages.create(
            model=MODEL, max_tokens=50, messages=[{"role": "user", "content": OVERLOADED}]
        )

    assert raised.value.response.headers["retry-after"] == "3"
    row = only_row(place)
    assert (row["model"], row["status_code"], row["success"]) == (MODEL, 429, False)


def test_an_auth_token_is_as_good_as_a_key(place: Gateway) -> None:
    address = f"{place.address}/anthropic"
    with anthropic.Anthropic(base_url=address, auth_token="a-token", max_retries=0) as client:
        client.messages.create(model=MODEL, max_tokens=50, messages=HELLO)

    assert only_row(place)["success"] is True
