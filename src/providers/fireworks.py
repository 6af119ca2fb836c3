"""Fireworks."""

from dialects.openai import OPENAI
from providers.base import Provider, chat

PROVIDER = Provider(
    base_url="https://api.fireworks.ai/inference/v1",
    docs="https://docs.fireworks.ai/api-reference",
    dialect=OPENAI,
    prefixes=("inference/v1", "v1"),
    headers=("x-session-affinity",),
    prices="fireworks",
    example=chat("chat/completions", "accounts/fireworks/models/llama-v3p3-70b-instruct"),
)
