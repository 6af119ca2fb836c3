"""Fal: images, video and sound. Its clients choose the URL, as they do with any proxy."""

from dialects.fal import FAL
from providers.base import Example, Key, Provider


def _socket(path: str, query: str) -> tuple[str, str]:
    # https://fal.ai/docs/documentation/model-apis/inference/real-time
    return f"{path.removesuffix('/realtime')}/realtime", query


PROVIDER = Provider(
    base_url="https://fal.run",
    docs="https://fal.ai/docs/documentation/model-apis/inference",
    dialect=FAL,
    key=Key(form="Key {}", parameter="fal_jwt_token", protocol="fal-api-key."),
    # By name, for `x-fal-target-url` is for us:
    # https://fal.ai/docs/documentation/model-apis/common-parameters
    headers=(
        "x-fal-disable-fallbacks",
        "x-fal-no-retry",
        "x-fal-object-lifecycle-preference",
        "x-fal-queue-priority",
        "x-fal-request-timeout",
        "x-fal-runner-hint",
        "x-fal-store-io",
    ),
    meters=("images", "tokens"),
    prices="fal",
    example=Example("fal-ai/fast-sdxl", '{"prompt": "A cat", "num_images": 1}'),
    # https://fal.ai/docs/documentation/model-apis/inference/proxy-setup
    chooser="x-fal-target-url",
    hosts=("fal.run", "falrun.com", "rest.fal.ai", "rest.alpha.fal.ai"),
    socket=_socket,
    # https://fal.ai/docs/real-time/secrets
    secret=("tokens",),
)
