"""On what terms a request is served: what a price depends on besides the model.

Vendors sell the same model sooner or later, faster or slower, at prices of their own.
"""

import re
from typing import Any

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict  # pydantic wants it below Python 3.12


class _Asked(TypedDict, total=False):
    service_tier: Any
    serviceTier: Any
    speed: Any


_ASKED = TypeAdapter(_Asked)
_HAS_SOME = re.compile(r'"(?:service_tier|serviceTier|speed)"\s*:')


def asked(body: str | None) -> dict[str, str]:
    """Return the terms that the body of a request asks for, which an answer may overrule."""
    # Most ask for none, and few bodies are worth parsing again.
    if body is None or not _HAS_SOME.search(body):
        return {}
    try:
        fields = _ASKED.validate_json(body)
    except ValidationError:
        return {}
    return terms(fields.get("service_tier", fields.get("serviceTier")), fields.get("speed"))


def terms(tier: object, speed: object = None) -> dict[str, str]:
    """Return terms by the names that prices know, in their spelling."""
    told = {"service_tier": tier, "speed": speed}
    known = {name: text.lower() for name, text in told.items() if isinstance(text, str) and text}
    # What may take until tomorrow is a tier to one vendor, and another price list to the rest.
    return known | ({"processing": "batch"} if known.get("service_tier") == "batch" else {})
