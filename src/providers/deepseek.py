"""DeepSeek. Its paths with `v1`, `beta` and `anthropic` are addresses of their own."""

from dialects.openai import OPENAI
from providers.base import Key, Provider, chat

PROVIDER = Provider(
    base_url="https://api.deepseek.com",
    docs="https://api-docs.deepseek.com",
    dialect=OPENAI,
    key=Key(also=("x-api-key",)),  # on `anthropic/`
    prices="deepseek",
    example=chat("chat/completions", "deepseek-chat"),
)
