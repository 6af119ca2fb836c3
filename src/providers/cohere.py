"""Cohere."""

from dialects.cohere import COHERE
from providers.base import Provider

PROVIDER = Provider(
    base_url="https://api.cohere.com",
    docs="https://docs.cohere.com/reference/about",
    dialect=COHERE,
    headers=("authorization", "x-client-name"),
)
