"""Google AI Studio: the Gemini API with a key."""

import re

from dialects.gemini import GEMINI
from providers.base import Example, Key, Provider

# https://ai.google.dev/api/live
_API_KEY = re.compile(r"(?<![^&])api_key=")
_LIVE = "ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"


def _socket(path: str, query: str) -> tuple[str, str]:
    # Clients of the gateway call the parameter `api_key`; Google calls it `key`.
    return path or _LIVE, _API_KEY.sub("key=", query)


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
)
