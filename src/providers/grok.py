"""xAI, whose models are called Grok."""

from dialects.openai import OPENAI
from providers.base import Provider

PROVIDER = Provider(
    base_url="https://api.x.ai/v1",
    docs="https://docs.x.ai/docs/api-reference",
    dialect=OPENAI,
    prefixes=("v1",),
    headers=("authorization", "x-api-key", "x-grok-*"),  # the second on `messages`
)
