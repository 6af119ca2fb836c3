"""Vendors other than OpenAI, as a mock of their APIs speaks, on the real runtime."""

from typing import Any

import httpx
import pytest

from running import Gateway

CHAT: dict[str, Any] = {"model": "m-1", "messages": [{"role": "user", "content": "Hello"}]}
MESSAGES = CHAT | {"max_tokens": 50}
CONTENTS: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
USAGE = {"stream": True, "stream_options": {"include_usage": True}}

WHOLE: list[tuple[str, str, dict[str, Any]]] = [
    ("anthropic", "v1/messages", MESSAGES),
    ("cohere", "v2/chat", CHAT),
    ("google-ai-studio", "v1beta/models/m-1:generateContent", CONTENTS),
    ("grok", "v1/chat/completions", CHAT),
    ("groq", "chat/completions", CHAT),
    ("mistral", "v1/chat/completions", CHAT),
    ("perplexity-ai", "chat/completions", CHAT),
]
STREAMS: list[tuple[str, str, dict[str, Any]]] = [
    ("anthropic", "v1/messages", MESSAGES | {"stream": True}),
    ("cohere", "v2/chat", CHAT | {"stream": True}),
    ("google-ai-studio", "v1beta/models/m-1:streamGenerateContent?alt=sse", CONTENTS),
    ("grok", "v1/chat/completions", CHAT | USAGE),
    ("groq", "chat/completions", CHAT | USAGE),
    ("mistral", "v1/chat/completions", CHAT | USAGE),
]


def post(gateway: Gateway, slug: str, path: str, body: dict[str, Any]) -> httpx.Response:
    headers = {"x-api-key": "k", "authorization": "Bearer k", "x-goog-api-key": "k"}
    url = f"{gateway.url}/v1/local/default/{slug}/{path}"
    return httpx.post(url, json=body, headers=headers, timeout=30)


@pytest.mark.parametrize(("slug", "path", "body"), WHOLE)
def test_an_answer_is_passed_on_and_metered(
    gateway: Gateway, slug: str, path: str, body: dict[str, Any]
) -> None:
    response = post(gateway, slug, path, body)

    assert response.status_code == 200, response.text
    row = gateway.row_of(response)
    assert (row["provider"], row["model"], row["success"]) == (slug, "m-1", True)
    assert row["tokens_in"] > 0
    assert row["tokens_out"] > 0


@pytest.mark.parametrize(("slug", "path", "body"), STREAMS)
def test_a_stream_is_passed_on_and_metered(
    gateway: Gateway, slug: str, path: str, body: dict[str, Any]
) -> None:
    response = post(gateway, slug, path, body)

    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    row = gateway.row_of(response)
    assert (row["provider"], row["model"], row["success"]) == (slug, "m-1", True)
    assert row["tokens_in"] > 0
    assert row["tokens_out"] > 0
    assert row["response_size"] == len(response.content)
