"""Groq."""

from dialects.openai import OPENAI
from providers.base import Provider, chat

PROVIDER = Provider(
    base_url="https://api.groq.com/openai/v1",
    docs="https://console.groq.com/docs/api-reference",
    dialect=OPENAI,
    prefixes=("openai/v1", "v1"),
    headers=("groq-*",),
    meters=("tokens", "characters", "audio_seconds"),
    prices="groq",
    example=chat("chat/completions", "llama-3.3-70b-versatile"),
)
