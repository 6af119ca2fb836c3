"""Groq."""

from dialects.openai import OPENAI
from providers.base import Provider

PROVIDER = Provider(
    base_url="https://api.groq.com/openai/v1",
    docs="https://console.groq.com/docs/api-reference",
    dialect=OPENAI,
    prefixes=("openai/v1", "v1"),
    headers=("authorization", "groq-*"),
)
