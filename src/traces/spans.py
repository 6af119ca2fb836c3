"""What of a call becomes spans: one for the operation and, below it, one for each attempt.

Names are those of OpenTelemetry's conventions for generative AI, besides those that Cloudflare AI
Gateway documents:
https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/
https://developers.cloudflare.com/ai-gateway/observability/otel-integration/
"""

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from call import Attempt, Call, Reply
from errors import GatewayError
from logs.row import COLUMNS, Entry
from ports import Ending
from providers import lookup
from traces.otlp import CLIENT, SERVER, Span, Value

ROOT = "cf.aig.request"
"""The name of the span of an operation."""
PAYLOAD = 65_536
"""Characters of a body that go with a span."""

# https://www.w3.org/TR/trace-context/#traceparent-header
_TRACEPARENT = re.compile(
    "(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?"
)
_OPERATIONS = {"text-generation": "chat", "text-embeddings": "embeddings"}
_OTHER_OPERATION = "generate_content"
_RESERVED = "gen_ai."


@dataclass(frozen=True, slots=True)
class Told:
    """An attempt that has ended, and what the log keeps of it."""

    attempt: Attempt
    ending: Ending
    finished: float
    """Epoch milliseconds."""
    entry: Entry

    @property
    def row(self) -> Mapping[str, Any]:
        """The row of the log, by its columns."""
        return dict(zip(COLUMNS, self.entry.row, strict=True))


def spans_of(attempts: Sequence[Told]) -> list[str]:
    """Return the spans of an operation as JSON, the operation's own first."""
    first, last = attempts[0], attempts[-1]
    call, row = first.attempt.call, last.row
    trace_id, parent_id = _trace(call)
    # What no provider was asked for is told by the operation itself.
    tried = [told for told in attempts if told.attempt.host]
    root = Span(
        trace_id,
        secrets.token_hex(8),
        parent_id,
        ROOT,
        SERVER,
        call.started,
        last.finished,
        {**_operation(call, row), **({} if tried else _asked(last, row))},
        failed=bool(row["final"]) and not row["success"],
    )
    children = [_child(root, told, resent) for resent, told in enumerate(tried)]
    return [span.dump() for span in (root, *children)]


def _trace(call: Call) -> tuple[str, str | None]:
    """Return the trace of a call, and the span above it: as its headers say, or a new one."""
    options = call.options
    parent = _TRACEPARENT.fullmatch(call.request.headers.get("traceparent", "").strip())
    if options.otel_trace_id or parent is None:
        return options.otel_trace_id or secrets.token_hex(16), options.otel_parent_span_id
    return parent[1], options.otel_parent_span_id or parent[2]


def _child(root: Span, told: Told, resent: int) -> Span:
    attempt, row = told.attempt, told.row
    asked = _asked(told, row)
    address = urlsplit(f"//{attempt.host}")
    attributes = {
        **_common(row),
        **asked,
        "server.address": address.hostname,
        "server.port": address.port,
        "http.request.resend_count": resent or None,
    }
    return Span(
        root.trace_id,
        # The end of a UUIDv7 is random, so that whoever has the row finds the span.
        attempt.id.replace("-", "")[16:],
        root.id,
        f"{asked['gen_ai.operation.name']} {asked['gen_ai.request.model'] or row['provider']}",
        CLIENT,
        attempt.started,
        told.finished,
        attributes,
        failed=not row["success"],
    )


def _operation(call: Call, row: Mapping[str, Any]) -> dict[str, Value]:
    # Where the last attempt is not logged, it is the answer that is not told.
    answered = {} if row["final"] else {"http.response.status_code": None}
    return {
        **_common(row),
        **answered,
        "http.request.method": call.request.method,
        "sluice.request_type": row["request_type"],
        "sluice.account": call.gateway.account,
        "sluice.gateway": call.gateway.id,
        "cloudflare.colo": row["colo"],
    }


def _common(row: Mapping[str, Any]) -> dict[str, Value]:
    """Return what both kinds of span tell, the metadata among it that the row keeps."""
    metadata: dict[str, Value] = json.loads(row["metadata"] or "{}")
    return {
        **{key: value for key, value in metadata.items() if not key.startswith(_RESERVED)},
        "http.response.status_code": row["status_code"],
        "sluice.log_id": row["id"],
        "sluice.event_id": row["event_id"],
        "sluice.cached": bool(row["cached"]),
        "sluice.step": row["step"],
    }


def _asked(told: Told, row: Mapping[str, Any]) -> dict[str, Value]:
    """Return what was asked of a model, and what became of it."""
    attempt = told.attempt
    call, slug = attempt.call, row["provider"]
    provider = lookup(slug, call.gateway.customs)
    waited = row["latency"] if call.ask.stream else None
    return {
        "gen_ai.operation.name": _OPERATIONS.get(
            row["model_type"], row["model_type"] or _OTHER_OPERATION
        ),
        "gen_ai.provider.name": (provider and provider.otel_name) or slug,
        "gen_ai.model.provider": slug,
        "gen_ai.request.model": row["model"],
        "gen_ai.request.stream": call.ask.stream or None,
        "gen_ai.response.model": _answering_model(told),
        "gen_ai.response.time_to_first_chunk": None if waited is None else waited / 1000,
        "gen_ai.usage.input_tokens": row["tokens_in"],
        "gen_ai.usage.output_tokens": row["tokens_out"],
        "gen_ai.usage.cache_read.input_tokens": row["tokens_cached"],
        "gen_ai.usage.cache_creation.input_tokens": row["tokens_cache_write"],
        "gen_ai.usage.reasoning.output_tokens": row["tokens_reasoning"],
        "gen_ai.usage.cost": row["cost"],
        "error.type": _error(told, row),
        **_payloads(told),
    }


def _answering_model(told: Told) -> str | None:
    outcome = told.attempt.outcome
    if not isinstance(outcome, Reply) or outcome.report is None:
        return None
    return outcome.report(told.ending).model


def _error(told: Told, row: Mapping[str, Any]) -> str | None:
    if row["success"]:
        return None
    if isinstance(told.attempt.outcome, GatewayError):
        return type(told.attempt.outcome).__name__
    if told.ending.state == "left":
        return "ClientLeft"
    status: int = row["status_code"]
    return row["provider_error"] or (str(status) if status >= 400 else "_OTHER")


def _payloads(told: Told) -> dict[str, Value]:
    """Return the beginning of the bodies that the row keeps."""
    prompt, completion = told.entry.request, told.entry.response
    cut = any(len(text) > PAYLOAD for text in (prompt, completion) if text)
    return {
        "gen_ai.prompt_json": prompt and prompt[:PAYLOAD],
        "gen_ai.completion_json": completion and completion[:PAYLOAD],
        "sluice.payload_truncated": cut or None,
    }
