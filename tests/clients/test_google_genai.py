"""Google's own SDK, unmodified, with another base URL: for AI Studio and for Vertex AI."""

# The SDK's own types are not whole.
# pyright: reportUnknownMemberType=false

from collections.abc import Callable, Iterator

import pytest
from google import genai
from google.genai.errors import ClientError
from google.genai.types import GenerateContentConfig, HttpOptions
from google.oauth2.credentials import Credentials

from clients.rows import only_row
from running import Gateway
from worker.aimock import OVERLOADED, SAID, USAGE

MODEL = "gemini-2.5-flash"


def studio(gateway: Gateway) -> genai.Client:
    # The mock knows this version alone.
    address = f"{gateway.address}/google-ai-studio"
    options = HttpOptions(base_url=address, api_version="v1beta")
    return genai.Client(api_key="a-key", http_options=options)


def vertex(gateway: Gateway) -> genai.Client:
    return genai.Client(
        vertexai=True,
        credentials=Credentials(token="an-access-token"),
        project="a-project",
        location="us-central1",
        http_options=HttpOptions(base_url=f"{gateway.address}/google-vertex-ai", api_version="v1"),
    )


@pytest.fixture(params=[studio, vertex])
def client(request: pytest.FixtureRequest, place: Gateway) -> Iterator[genai.Client]:
    with request.param(place) as client:
        yield client


@pytest.fixture
def provider(client: genai.Client) -> str:
    return "google-vertex-ai" if client.vertexai else "google-ai-studio"


def test_content(client: genai.Client, provider: str, place: Gateway) -> None:
    answer = client.models.generate_content(model=MODEL, contents="Hello")

    assert answer.text == SAID
    assert answer.usage_metadata
    counted = answer.usage_metadata
    row = only_row(place)
    assert (row["provider"], row["model"], row["success"]) == (provider, MODEL, True)
    assert (row["tokens_in"], row["tokens_out"]) == tuple(USAGE.values())
    assert counted.prompt_token_count == row["tokens_in"]
    assert row["user_agent"].startswith("google-genai-sdk/")


def test_content_as_a_stream(client: genai.Client, provider: str, place: Gateway) -> None:
    chunks = list(client.models.generate_content_stream(model=MODEL, contents="Hello"))

    assert "".join(chunk.text or "" for chunk in chunks) == SAID
    row = only_row(place)
    assert (row["provider"], row["model"], row["success"]) == (provider, MODEL, True)
    assert (row["tokens_in"], row["tokens_out"]) == tuple(USAGE.values())


def test_an_error_of_the_provider_is_the_client_s_own_error(
    client: genai.Client, provider: str, place: Gateway
) -> None:
    with pytest.raises(ClientError) as raised:
        client.models.generate_content(model=MODEL, contents=OVERLOADED)

    assert (raised.value.code, raised.value.message) == (429, "Slow down")
    row = only_row(place)
    assert (row["provider"], row["status_code"], row["success"]) == (provider, 429, False)


def test_the_time_that_the_client_gives_reaches_the_provider(
    client: genai.Client, last_headers: Callable[[], dict[str, str]]
) -> None:
    config = GenerateContentConfig(http_options=HttpOptions(timeout=30_000))

    client.models.generate_content(model=MODEL, contents="Hello", config=config)

    assert last_headers()["x-server-timeout"] == "30"
