"""What a collector of traces reads, by the official definitions of OTLP."""

import base64
import json
from typing import Any

from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


def service(text: str) -> str:
    """Return the name of the service whose spans a request brings."""
    (attribute,) = _official(text).resource_spans[0].resource.attributes
    assert attribute.key == "service.name"
    return attribute.value.string_value


def spans(text: str) -> list[dict[str, Any]]:
    """Return the spans of a request, their attributes by name."""
    read = _official(text).resource_spans[0].scope_spans[0].spans
    told = json.loads(text)["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert len(read) == len(told)
    for span, message in zip(told, read, strict=True):
        # In OTLP ids are hexadecimal, where protobuf's own JSON has base64.
        assert base64.b64encode(message.trace_id).decode() == span["traceId"]
        assert base64.b64encode(message.span_id).decode() == span["spanId"]
        assert message.end_time_unix_nano >= message.start_time_unix_nano > 0
        span["attributes"] = {one.key: _value(one.value) for one in message.attributes}
    return told


def _official(text: str) -> Any:
    return Parse(text, ExportTraceServiceRequest())


def _value(value: Any) -> Any:
    return getattr(value, value.WhichOneof("value"))
