"""OTLP: spans as JSON, and what a collector answers.

https://opentelemetry.io/docs/specs/otlp/#otlphttp
https://github.com/open-telemetry/opentelemetry-proto
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from pydantic_core import from_json

SERVICE = "ai-gateway"
"""`service.name`, as dashboards made for Cloudflare AI Gateway expect it."""
SCOPE = "sluice"
SERVER: Literal[2] = 2
CLIENT: Literal[3] = 3
_ERROR = 2
RETRYABLE = (429, 502, 503, 504)
"""Statuses after which the same spans are to be sent again."""
_NOTE = 200
"""Characters of a collector's own words that are told."""

Value = str | bool | int | float | None


@dataclass(frozen=True, slots=True)
class Span:
    """One piece of work."""

    trace_id: str
    """32 hexadecimal digits."""
    id: str
    """16 hexadecimal digits."""
    parent_id: str | None
    name: str
    kind: Literal[2, 3]
    """SERVER or CLIENT."""
    started: float
    """Epoch milliseconds."""
    ended: float
    attributes: Mapping[str, Value]
    """None is left out."""
    failed: bool = False

    def dump(self) -> str:
        """Return the span as JSON."""
        fields: dict[str, object] = {
            "traceId": self.trace_id,
            "spanId": self.id,
            "name": self.name,
            "kind": self.kind,
            "startTimeUnixNano": _nanoseconds(self.started),
            "endTimeUnixNano": _nanoseconds(max(self.started, self.ended)),
            "attributes": attributes(self.attributes),
            "status": {"code": _ERROR} if self.failed else {},
        }
        if self.parent_id:
            fields["parentSpanId"] = self.parent_id
        return json.dumps(fields)


def attributes(values: Mapping[str, Value]) -> list[dict[str, object]]:
    """Return attributes in the form that protobuf has in JSON."""
    return [
        {"key": key, "value": _any_value(value)}
        for key, value in values.items()
        if value is not None
    ]


def export(spans: Sequence[str]) -> str:
    """Return the request that brings spans, each of them JSON, to a collector."""
    resource = {"attributes": attributes({"service.name": SERVICE})}
    return (
        f'{{"resourceSpans":[{{"resource":{json.dumps(resource)},"scopeSpans":[{{"scope":'
        f'{json.dumps({"name": SCOPE})},"spans":[{",".join(spans)}]}}]}}]}}'
    )


def rejected(text: str) -> tuple[int, str]:
    """Return how many spans a collector that answered with success has refused, and its reason."""
    try:
        parsed: object = from_json(text or "{}")
    except ValueError:
        return 0, ""
    partial = _object(_object(parsed).get("partialSuccess"))
    try:
        # A number of 64 bits is a string in the JSON of protobuf.
        count = int(str(partial.get("rejectedSpans") or 0))
    except ValueError:
        count = 0
    return max(0, count), str(partial.get("errorMessage") or "")[:_NOTE]


def _object(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _any_value(value: Value) -> dict[str, object]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return {"intValue": str(value)}
    if isinstance(value, int | float):
        return {"doubleValue": float(value)}
    return {"stringValue": value}


def _nanoseconds(milliseconds: float) -> str:
    return str(round(milliseconds * 1000) * 1000)
