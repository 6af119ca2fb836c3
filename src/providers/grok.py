"""xAI, whose models are called Grok."""

from dialects.openai import OPENAI
from providers.base import Key, Provider, chat

PROVIDER = Provider(
    base_url="https://api.x.ai/v1",
    docs="https://docs.x.ai/docs/api-reference",
    dialect=OPENAI,
    prefixes=("v1",),
    key=Key(also=("x-api-key",)),  # on `messages`
    headers=("x-grok-*",),
    meters=("tokens", "cost", "characters", "audio_seconds", "images", "searches"),
    prices="x-ai",
    otel_name="x_ai",
    authors=("xai",),
    example=chat("v1/chat/completions", "grok-4"),
    # https://docs.x.ai/developers/model-capabilities/audio/ephemeral-tokens
    secret=("client_secrets",),
)
