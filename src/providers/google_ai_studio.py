"""Google AI Studio: the Gemini API with a key."""

from dialects.gemini import GEMINI
from providers.base import Provider

PROVIDER = Provider(
    base_url="https://generativelanguage.googleapis.com",
    docs="https://ai.google.dev/api",
    dialect=GEMINI,
    # The key comes as `x-goog-api-key`, as `authorization` or in the query.
    headers=("authorization", "x-goog-*"),
)
