"""Google AI Studio: the Gemini API with a key."""

import re
from collections.abc import Mapping
from typing import Any

from dialects.gemini import GEMINI
from providers.base import Example, Key, Named, Provider

# https://ai.google.dev/api/live
_API_KEY = re.compile(r"(?<![^&])api_key=")
_LIVE = "ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"


def _socket(path: str, query: str) -> tuple[str, str]:
    # Clients of the gateway call the parameter `api_key`; Google calls it `key`.
    return path or _LIVE, _API_KEY.sub("key=", query)


def _named(model: str, inputs: Mapping[str, Any]) -> Named:
    # In OpenAI's format there is one path for all models, in Google's each has its own.
    return _openai(model, inputs) if "messages" in inputs else _native(model, inputs)


def _openai(model: str, inputs: Mapping[str, Any]) -> Named:
    return Named("v1beta/openai/chat/completions", {**inputs, "model": model})


def _native(model: str, inputs: Mapping[str, Any]) -> Named:
    stream = inputs.get("stream") is True
    generate = "streamGenerateContent" if stream else "generateContent"
    method = "embedContent" if "content" in inputs else generate
    body = {name: value for name, value in inputs.items() if name != "stream"}
    return Named(f"v1beta/models/{model}:{method}", body, "alt=sse" if stream else "")


PROVIDER = Provider(
    base_url="https://generativelanguage.googleapis.com",
    docs="https://ai.google.dev/api",
    dialect=GEMINI,
    key=Key("x-goog-api-key", "{}", also=("authorization",), parameter="key"),
    headers=("x-goog-*", "x-server-timeout"),
    meters=("tokens", "images"),
    prices="google",
    otel_name="gcp.gemini",
    example=Example(
        "v1/models/gemini-2.5-flash:generateContent",
        '{"contents": [{"role": "user", "parts": [{"text": "Hello!"}]}]}',
    ),
    socket=_socket,
    # What clients call it that ask for a WebSocket.
    alias="google",
    named=_named,
    # https://ai.google.dev/gemini-api/docs/ephemeral-tokens
    secret=("auth_tokens",),
)
