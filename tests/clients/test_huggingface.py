"""Hugging Face's own SDK, unmodified, with another base URL."""

# The SDK's own types are not whole.
# pyright: reportUnknownMemberType=false

from collections.abc import Iterator

import pytest
from huggingface_hub import ChatCompletionInputStreamOptions, InferenceClient
from huggingface_hub.errors import HfHubHTTPError

from clients.rows import only_row
from running import Gateway

MODEL = "openai/gpt-oss-120b"
HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def client(place: Gateway) -> Iterator[InferenceClient]:
    address = f"{place.address}/huggingface/v1"
    with InferenceClient(base_url=address, api_key="hf_test") as client:
        yield client


def test_a_chat(client: InferenceClient, place: Gateway) -> None:
    completion = client.chat.completions.create(model=MODEL, messages=HELLO)

    assert completion.choices[0].message.content
    usage = completion.usage
    row = only_row(place)
    assert (row["provider"], row["model"], row["success"]) == ("huggingface", MODEL, True)
    assert (row["tokens_in"], row["tokens_out"]) == (usage.prompt_tokens, usage.completion_tokens)


def test_a_chat_as_a_stream(client: InferenceClient, place: Gateway) -> None:
    chunks = list(
        client.chat.completions.create(
            model=MODEL,
            messages=HELLO,
            stream=True,
            stream_options=ChatCompletionInputStreamOptions(include_usage=True),
        )
    )

    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text
    row = only_row(place)
    assert (row["provider"], row["model"], row["success"]) == ("huggingface", MODEL, True)
    usage = chunks[-1].usage
    assert usage
    assert (row["tokens_in"], row["tokens_out"]) == (usage.prompt_tokens, usage.completion_tokens)


def test_an_error_of_the_provider_is_the_client_s_own_error(
    client: InferenceClient, place: Gateway, rate_limited: None
) -> None:
    with pytest.raises(HfHubHTTPError) as raised:
        client.chat.completions.create(model=MODEL, messages=HELLO)

    assert raised.value.response.status_code == 429
    row = only_row(place)
    assert (row["model"], row["status_code"], row["success"]) == (MODEL, 429, False)
