"""OpenAI's own SDK, unmodified, with another base URL."""

from collections.abc import Iterator

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolUnionParam

from running import Gateway

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello"}]
WEATHER: ChatCompletionToolUnionParam = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


@pytest.fixture
def client(gateway: Gateway) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=gateway.openai, api_key="sk-test", max_retries=0) as client:
        yield client


@pytest.fixture
def mock(gateway: Gateway) -> Iterator[httpx.Client]:
    """The mock's own controls. What a test queued and did not use goes with it."""
    with httpx.Client(base_url=gateway.llmock.removesuffix("/v1") + "/_llmock") as mock:
        yield mock
        mock.post("/reset").raise_for_status()


def test_chat(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(model="gpt-5-mini", messages=HELLO)

    assert completion.choices[0].message.content
    assert completion.usage
    assert completion.usage.total_tokens > 0


def test_a_chat_leaves_a_row_with_the_usage_that_the_client_saw(
    client: openai.OpenAI, gateway: Gateway
) -> None:
    raw = client.chat.completions.with_raw_response.create(model="gpt-5-mini", messages=HELLO)

    usage = raw.parse().usage
    assert usage
    row = gateway.row(raw.headers["cf-aig-log-id"])
    assert (row["tokens_in"], row["tokens_out"]) == (usage.prompt_tokens, usage.completion_tokens)
    assert row["user_agent"].startswith("OpenAI/Python")


def test_a_stream(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="gpt-5-mini",
        messages=HELLO,
        stream=True,
        stream_options={"include_usage": True},
    )

    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert "Hello" in text
    assert chunks[-1].usage


def test_a_response(client: openai.OpenAI, gateway: Gateway) -> None:
    raw = client.responses.with_raw_response.create(model="gpt-5-mini", input="Hello")

    response = raw.parse()
    assert response.output_text
    assert response.usage
    row = gateway.row(raw.headers["cf-aig-log-id"])
    assert row["tokens_out"] == response.usage.output_tokens


def test_a_response_as_a_stream(client: openai.OpenAI, gateway: Gateway) -> None:
    with client.responses.with_streaming_response.create(
        model="gpt-5-mini", input="Hello", stream=True
    ) as raw:
        body = raw.read().decode()

    assert "response.completed" in body
    row = gateway.row(raw.headers["cf-aig-log-id"])
    assert row["success"] is True
    assert row["tokens_out"] > 0


def test_a_tool_call(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(
        model="gpt-5-mini",
        messages=[{"role": "user", "content": "What is the weather in Paris?"}],
        tools=[WEATHER],
    )

    calls = completion.choices[0].message.tool_calls
    assert calls
    assert calls[0].type == "function"
    assert calls[0].function.name == "get_weather"


def test_embeddings(client: openai.OpenAI, gateway: Gateway) -> None:
    raw = client.embeddings.with_raw_response.create(
        model="text-embedding-3-small", input=["Hello", "world"]
    )

    assert len(raw.parse().data) == 2
    row = gateway.row(raw.headers["cf-aig-log-id"])
    assert row["model_type"] == "text-embeddings"
    assert row["tokens_in"] > 0


def test_a_file_upload(client: openai.OpenAI) -> None:
    content = b'{"custom_id": "1"}\n' * 1000

    uploaded = client.files.create(file=("batch.jsonl", content), purpose="batch")

    assert client.files.content(uploaded.id).read() == content


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (403, openai.PermissionDeniedError),
        (404, openai.NotFoundError),
        (409, openai.ConflictError),
        (422, openai.UnprocessableEntityError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (503, openai.InternalServerError),
    ],
)
def test_an_error_of_the_provider_is_the_client_s_own_error(
    client: openai.OpenAI,
    gateway: Gateway,
    mock: httpx.Client,
    status: int,
    error: type[openai.APIStatusError],
) -> None:
    behaviors = [{"type": "fail", "status": status, "times": 1}]
    mock.post("/scenario", json={"behaviors": behaviors}).raise_for_status()

    with pytest.raises(error) as raised:
        client.chat.completions.create(model="gpt-5-mini", messages=HELLO)

    assert raised.value.status_code == status
    row = gateway.row(raised.value.response.headers["cf-aig-log-id"])
    assert (row["status_code"], row["success"]) == (status, False)


def test_a_stream_that_is_dropped_is_an_error_and_not_an_answer(
    client: openai.OpenAI, gateway: Gateway, mock: httpx.Client
) -> None:
    fault = {"type": "stream_fault", "kind": "disconnect", "after_chunks": 2}
    mock.post("/scenario", json={"behaviors": [fault]}).raise_for_status()

    stream = client.chat.completions.create(model="gpt-5-mini", messages=HELLO, stream=True)
    with pytest.raises((openai.APIConnectionError, httpx.RemoteProtocolError)):
        list(stream)

    row = gateway.row(stream.response.headers["cf-aig-log-id"])
    assert (row["status_code"], row["success"]) == (200, False)


def test_an_error_of_the_gateway_is_the_client_s_own_error(gateway: Gateway) -> None:
    base_url = f"{gateway.url}/v1/local/nobody/openai"
    with (
        openai.OpenAI(base_url=base_url, api_key="sk-test", max_retries=0) as client,
        pytest.raises(openai.BadRequestError) as raised,
    ):
        client.models.list()

    assert raised.value.response.json()["internalCode"] == 2001
