"""Mistral."""

from dialects.openai import OPENAI
from providers.base import Provider, chat

PROVIDER = Provider(
    base_url="https://api.mistral.ai/v1",
    docs="https://docs.mistral.ai/api",
    dialect=OPENAI,
    prefixes=("v1",),
    meters=("tokens", "characters", "audio_seconds"),
    prices="mistral",
    otel_name="mistral_ai",
    example=chat("v1/chat/completions", "mistral-small-latest"),
)
