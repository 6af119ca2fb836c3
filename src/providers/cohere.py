"""Cohere."""

from dialects.cohere import COHERE
from providers.base import Provider, chat

PROVIDER = Provider(
    base_url="https://api.cohere.com",
    docs="https://docs.cohere.com/reference/about",
    dialect=COHERE,
    headers=("x-client-name",),
    meters=("tokens", "searches"),
    prices="cohere",
    example=chat("v2/chat", "command-a-03-2025"),
)
