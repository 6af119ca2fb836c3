"""OpenRouter."""

from dialects.openai import OPENAI
from providers.base import Provider, chat

PROVIDER = Provider(
    base_url="https://openrouter.ai/api/v1",
    docs="https://openrouter.ai/docs/api-reference",
    dialect=OPENAI,
    prefixes=("api/v1", "v1"),
    headers=("http-referer", "x-title", "x-openrouter-*"),
    meters=("tokens", "cost"),
    prices="openrouter",
    example=chat("v1/chat/completions", "meta-llama/llama-3.3-70b-instruct"),
    # https://openrouter.ai/docs/api/api-reference/oauth/exchange-authorization-code-for-api-key
    secret=("keys", "byok"),
)
