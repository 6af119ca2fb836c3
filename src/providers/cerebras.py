"""Cerebras."""

from dialects.openai import OPENAI
from providers.base import Provider

PROVIDER = Provider(
    base_url="https://api.cerebras.ai/v1",
    docs="https://inference-docs.cerebras.ai/api-reference",
    dialect=OPENAI,
    prefixes=("v1",),
)
