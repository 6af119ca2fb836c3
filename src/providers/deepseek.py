"""DeepSeek. Its paths with `v1`, `beta` and `anthropic` are addresses of their own."""

from dialects.openai import OPENAI
from providers.base import Provider

PROVIDER = Provider(
    base_url="https://api.deepseek.com",
    docs="https://api-docs.deepseek.com",
    dialect=OPENAI,
    headers=("authorization", "x-api-key"),  # the second on `anthropic/`
)
