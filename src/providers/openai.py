"""OpenAI."""

from dialects.openai import OPENAI
from providers.base import Provider, chat

PROVIDER = Provider(
    base_url="https://api.openai.com/v1",
    docs="https://developers.openai.com/api/reference",
    dialect=OPENAI,
    prefixes=("v1",),
    headers=("openai-*",),
    meters=("tokens", "characters", "audio_seconds", "images", "searches"),
    example=chat("chat/completions", "gpt-5-mini"),
)
