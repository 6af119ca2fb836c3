"""OpenAI."""

from dialects.openai import OPENAI
from providers.base import Provider

PROVIDER = Provider(
    base_url="https://api.openai.com/v1",
    docs="https://developers.openai.com/api/reference",
    dialect=OPENAI,
    prefixes=("v1",),
    headers=("authorization", "openai-*"),
)
