"""Mistral."""

from dialects.openai import OPENAI
from providers.base import Provider

PROVIDER = Provider(
    base_url="https://api.mistral.ai/v1",
    docs="https://docs.mistral.ai/api",
    dialect=OPENAI,
    prefixes=("v1",),
)
