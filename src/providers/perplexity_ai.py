"""Perplexity. Some of its paths have a `v1`, others have none."""

from dialects.openai import OPENAI
from providers.base import Provider, chat

PROVIDER = Provider(
    base_url="https://api.perplexity.ai",
    docs="https://docs.perplexity.ai/api-reference",
    dialect=OPENAI,
    meters=("tokens", "cost", "searches"),
    prices="perplexity",
    otel_name="perplexity",
    authors=("perplexity",),
    example=chat("chat/completions", "sonar"),
    secret=("generate_auth_token",),
)
