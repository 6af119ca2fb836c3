"""Groq's own SDK, unmodified, with another base URL."""

from collections.abc import Iterator

import groq
import pytest
from groq.types.chat import ChatCompletionMessageParam

from clients.rows import only_row
from running import Gateway

MODEL = "llama-3.3-70b-versatile"
HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def client(place: Gateway) -> Iterator[groq.Groq]:
    with groq.Groq(base_url=f"{place.address}/groq", api_key="gsk-test", max_retries=0) as client:
        yield client


def test_a_chat(client: groq.Groq, place: Gateway) -> None:
    completion = client.chat.completions.create(model=MODEL, messages=HELLO)

    assert completion.choices[0].message.content
    assert completion.usage
    usage = completion.usage
    row = only_row(place)
    assert (row["provider"], row["model"], row["success"]) == ("groq", MODEL, True)
    assert (row["tokens_in"], row["tokens_out"]) == (usage.prompt_tokens, usage.completion_tokens)
    assert row["user_agent"].startswith("Groq/Python")


def test_a_chat_as_a_stream(client: groq.Groq, place: Gateway) -> None:
    chunks = list(client.chat.completions.create(model=MODEL, messages=HELLO, stream=True))

    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert "Hello" in text
    row = only_row(place)
    assert (row["provider"], row["model"], row["success"]) == ("groq", MODEL, True)


def test_an_error_of_the_provider_is_the_client_s_own_error(
    client: groq.Groq, place: Gateway, rate_limited: None
) -> None:
    with pytest.raises(groq.RateLimitError):
        client.chat.completions.create(model=MODEL, messages=HELLO)

    row = only_row(place)
    assert (row["model"], row["status_code"], row["success"]) == (MODEL, 429, False)
