"""What an answer of Amazon Bedrock says that it used: in its body, or in its headers."""

import re
from typing import Any

from pydantic import TypeAdapter
from typing_extensions import TypedDict  # pydantic wants it below Python 3.12

from call import Ask, Usage
from dialects.base import Headers, as_count, as_list, as_object, read


class _Made(TypedDict):
    images: list[Any]


_MADE = TypeAdapter(_Made)

_COUNT_HEADERS = {
    "inputTokenCount": "x-amzn-bedrock-input-token-count",
    "outputTokenCount": "x-amzn-bedrock-output-token-count",
    "cacheReadInputTokenCount": "x-amzn-bedrock-cache-read-input-token-count",
    "cacheWriteInputTokenCount": "x-amzn-bedrock-cache-write-input-token-count",
}


def used(reported: object) -> Usage:
    """Return counts as Converse and Nova name them, or as the metrics of an invocation do.

    What came from the cache or went into it is counted beside the rest of the prompt:
    https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
    """
    usage = as_object(reported)

    def count(name: str) -> int | None:
        plural = as_count(usage.get(f"{name}s"))
        return as_count(usage.get(f"{name}Count")) if plural is None else plural

    fresh = count("inputToken")
    cached, written = count("cacheReadInputToken"), count("cacheWriteInputToken")
    return Usage(
        tokens_in=None if fresh is None else as_count(fresh + (cached or 0) + (written or 0)),
        tokens_out=count("outputToken"),
        cached=cached,
        cache_write=written,
        cache_write_1h=_kept_an_hour(usage),
    )


def _kept_an_hour(usage: dict[str, object]) -> int | None:
    # https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CacheDetail.html
    details = map(as_object, as_list(usage.get("cacheDetails")))
    counts = (as_count(one.get("inputTokens")) for one in details if one.get("ttl") == "1h")
    return sum(filter(None, counts)) or None


def images(text: str) -> int | None:
    """Return how many images are in a whole answer. None where there are none.

    Amazon's models and those of Stability AI put them into the same place.
    https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-image.html
    https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-stability-diffusion.html
    """
    made = read(_MADE, text) if '"images"' in text else None
    found = [image for image in made["images"] if isinstance(image, str)] if made else []
    # What was filtered may have left its place empty.
    return len(list(filter(None, found))) or None


def beside(_ask: Ask, headers: Headers) -> Usage:
    """Return what the headers of an answer to InvokeModel count."""
    counts = {name: headers.get(header, "") for name, header in _COUNT_HEADERS.items()}
    return used({name: int(n) for name, n in counts.items() if re.fullmatch("[0-9]{1,15}", n)})
