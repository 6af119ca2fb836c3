"""OpenRouter."""

from dialects.openai import OPENAI
from providers.base import Provider

PROVIDER = Provider(
    base_url="https://openrouter.ai/api/v1",
    docs="https://openrouter.ai/docs/api-reference",
    dialect=OPENAI,
    prefixes=("api/v1", "v1"),
    headers=("authorization", "http-referer", "x-title", "x-openrouter-*"),
)
