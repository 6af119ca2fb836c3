"""Anthropic."""

from dialects.anthropic import ANTHROPIC
from providers.base import Provider

PROVIDER = Provider(
    base_url="https://api.anthropic.com",
    docs="https://platform.claude.com/docs/en/api/overview",
    dialect=ANTHROPIC,
    # The key comes in either of the first two, as the SDK is old or new.
    headers=("x-api-key", "authorization", "anthropic-*"),
)
