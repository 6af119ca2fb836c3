"""Cerebras."""

from dialects.openai import OPENAI
from providers.base import Provider, chat

PROVIDER = Provider(
    base_url="https://api.cerebras.ai/v1",
    docs="https://inference-docs.cerebras.ai/api-reference",
    dialect=OPENAI,
    prefixes=("v1",),
    prices="cerebras",
    example=chat("chat/completions", "llama-3.3-70b"),
)
