"""Replicate.

The URLs in its answers, of streams and of files among them, are the vendor's own: who follows them
goes past the gateway, to `stream.replicate.com` for one. A prediction can be asked for by its id.
"""

from dialects.replicate import REPLICATE
from providers.base import Example, Provider

PROVIDER = Provider(
    base_url="https://api.replicate.com/v1",
    docs="https://replicate.com/docs/reference/http",
    dialect=REPLICATE,
    prefixes=("v1",),
    # How long to wait for an answer, and for a prediction:
    # https://replicate.com/docs/topics/predictions/create-a-prediction
    headers=("prefer", "cancel-after"),
    meters=("compute_seconds", "tokens", "images"),
    prices="replicate",
    example=Example(
        "v1/models/black-forest-labs/flux-schnell/predictions",
        '{"input": {"prompt": "A cat", "num_outputs": 1}}',
        ("prefer: wait",),
    ),
    secret=("webhooks/default/secret",),
)
