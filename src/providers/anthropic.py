"""Anthropic."""

from dialects.anthropic import ANTHROPIC
from providers.base import Example, Key, Provider

PROVIDER = Provider(
    base_url="https://api.anthropic.com",
    docs="https://platform.claude.com/docs/en/api/overview",
    dialect=ANTHROPIC,
    # Older SDKs send the key in the first, newer ones in the second.
    key=Key("x-api-key", "{}", also=("authorization",)),
    headers=("anthropic-*",),
    meters=("tokens", "searches"),
    prices="anthropic",
    # Others write versions with dots: claude-haiku-4.5.
    spelling=lambda model: model.replace(".", "-"),
    example=Example(
        "v1/messages",
        '{"model": "claude-haiku-4-5", "max_tokens": 100,'
        ' "messages": [{"role": "user", "content": "Hello!"}]}',
        ("anthropic-version: 2023-06-01",),
    ),
    secret=("oauth/token",),
)
