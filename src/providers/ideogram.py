"""Ideogram."""

from dialects.ideogram import IDEOGRAM
from providers.base import Example, Key, Provider

PROVIDER = Provider(
    base_url="https://api.ideogram.ai",
    docs="https://developer.ideogram.ai/ideogram-api/quickstart",
    dialect=IDEOGRAM,
    key=Key("api-key", "{}"),
    meters=("images", "cost"),
    # Newer paths want a form instead.
    example=Example("generate", '{"image_request": {"prompt": "A cat", "model": "V_2_TURBO"}}'),
    secret=("api_keys",),
)
