"""Google AI Studio: the Gemini API with a key."""

from dialects.gemini import GEMINI
from providers.base import Example, Key, Provider

PROVIDER = Provider(
    base_url="https://generativelanguage.googleapis.com",
    docs="https://ai.google.dev/api",
    dialect=GEMINI,
    key=Key("x-goog-api-key", "{}", also=("authorization",), parameter="key"),
    headers=("x-goog-*",),
    meters=("tokens", "images"),
    example=Example(
        "v1/models/gemini-2.5-flash:generateContent",
        '{"contents": [{"role": "user", "parts": [{"text": "Hello!"}]}]}',
    ),
)
