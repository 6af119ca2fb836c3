"""Hugging Face, through its router of Inference Providers."""

from dialects.huggingface import HUGGING_FACE, routed
from providers.base import Provider, chat

_ROUTER = "https://router.huggingface.co"


def _address(_account: str, path: str) -> str:
    return f"{_ROUTER}/{routed(path)}"


PROVIDER = Provider(
    base_url=_ROUTER,
    docs="https://huggingface.co/docs/inference-providers",
    dialect=HUGGING_FACE,
    # Who pays: https://huggingface.co/docs/inference-providers/pricing
    headers=("x-hf-bill-to",),
    prices="huggingface",
    example=chat("v1/chat/completions", "openai/gpt-oss-120b"),
    address=_address,
)
