"""What the log keeps of a call: one row for each attempt, and both bodies."""

import json
from operator import attrgetter, itemgetter

from call import Attempt, Call, Reply, Report, Usage
from costs.cost import Cost, cost, saved
from errors import ClientLeft, GatewayError, Internal, Unauthorized
from options import Metadata
from ports import Ending
from values import value

Value = str | int | float | None

COLUMNS = (
    "gateway_id",
    "id",
    "event_id",
    "created_at",
    "duration",
    "latency",
    "provider",
    "model",
    "model_type",
    "path",
    "request_type",
    "request_content_type",
    "response_content_type",
    "status_code",
    "success",
    "error_code",
    "cached",
    "step",
    "tokens_in",
    "tokens_out",
    "tokens_cached",
    "tokens_cache_write",
    "tokens_reasoning",
    "metadata",
    "request_size",
    "response_size",
    "user_agent",
    "authentication",
    "colo",
    "region",
    "cost",
    "units",
    "provider_error",
    "token_id",
    "key_id",
    "skipped",
    "close_code",
    "flags",
    "saved_tokens_in",
    "saved_tokens_out",
    "saved_cost",
    "custom_cost",
    "attempt",
    "final",
)
"""The columns of the table `logs` that are written with a row, in this order."""

UNITS = (
    "characters",
    "audio_seconds",
    "images",
    "compute_seconds",
    "searches",
    "cache_write_1h",
    "audio_in",
    "audio_out",
    "image_in",
    "image_out",
    "video_in",
    "cached_audio",
    "cached_image",
)
"""What is used besides tokens, and the tokens of a kind that few answers have."""

_in_order, _units_of = itemgetter(*COLUMNS), attrgetter(*UNITS)
_NOT_KEPT: dict[str, Value] = dict.fromkeys(("saved_tokens_in", "saved_tokens_out", "saved_cost"))
_NOT_KEPT["cached"] = 0
_OF_STRANGERS: dict[str, Value] = dict.fromkeys(("model", "metadata"))

HEAD_LENGTH = 4096
"""Characters of a body that a row is shown with."""
TEXT_LENGTH = 1024
"""Characters of a value that a caller or a provider chose: a name, not a place to put a book."""


@value
class Entry:
    """A row of `logs`, and the bodies that go with it."""

    row: tuple[Value, ...]
    """The values of COLUMNS."""
    request: str | None = None
    """The whole body. None: not kept."""
    response: str | None = None

    @property
    def id(self) -> str:
        """The id of the row."""
        return str(self.row[1])


def entry(attempt: Attempt, ending: Ending, finished: float) -> Entry:
    """Return what the log keeps of an attempt that ended at `finished` (epoch milliseconds)."""
    call = attempt.call
    row = _row(call, attempt, ending, finished)
    if isinstance(attempt.outcome, Unauthorized):
        # Or whoever has no token could fill the log with what he likes.
        return Entry(_in_order(row | _OF_STRANGERS))
    values = _in_order(row)
    if call.ask.secret or not call.options.collect_payload:
        return Entry(values)
    return Entry(values, call.ask.text, ending.text)


def _row(call: Call, attempt: Attempt, ending: Ending, finished: float) -> dict[str, Value]:
    outcome = attempt.outcome or Internal()
    reply = outcome if isinstance(outcome, Reply) else None
    error = outcome if isinstance(outcome, GatewayError) else None
    report = reply.report(ending) if reply and reply.report else Report()
    status = ClientLeft.status if ending.state == "left" else outcome.status
    request, options, usage, headers = call.request, call.options, report.usage, attempt.first_byte
    return {
        "gateway_id": call.gateway.internal_id,
        "id": attempt.id,
        "event_id": call.event_id,
        "created_at": round(attempt.started),
        "duration": round(finished - attempt.started),
        "latency": round((ending.first_byte or headers) - attempt.started) if headers else None,
        "provider": call.target.provider[:TEXT_LENGTH],
        "model": _text(call.ask.model or report.model),
        "model_type": call.ask.model_type,
        "path": call.target.path[:TEXT_LENGTH],
        "request_type": call.kind,
        "request_content_type": _text(request.headers.get("content-type")),
        "response_content_type": _text(reply.headers.get("content-type")) if reply else None,
        "status_code": status,
        "success": int(status < 400 and ending.state == "complete" and report.complete),
        "error_code": error.code if error else None,
        "step": call.step,
        "tokens_in": usage.tokens_in,
        "tokens_out": usage.tokens_out,
        "tokens_cached": usage.cached,
        "tokens_cache_write": usage.cache_write,
        "tokens_reasoning": usage.reasoning,
        "metadata": _json(options.metadata) if options.metadata else None,
        "request_size": request.body.size if request.body else 0,
        "response_size": ending.size,
        "user_agent": _text(request.headers.get("user-agent")),
        "authentication": int(call.gateway.authentication),
        "colo": request.colo,
        "region": request.region,
        "units": _units(usage),
        "provider_error": _text(reply.failed.code) if reply and reply.failed else None,
        "token_id": call.trail.token_id,
        "key_id": attempt.key_id,
        "skipped": json.dumps(call.trail.skipped) if call.trail.skipped else None,
        "close_code": ending.close_code,
        "attempt": attempt.number,
        # What was given up has a time at which it was.
        "final": int(attempt.ended is None),
        **(_kept(reply.kept, call, ending) if reply and reply.kept else _NOT_KEPT),
        **_paid(call, cost(attempt, report, ending)),
    }


def _kept(kept: Report, call: Call, ending: Ending) -> dict[str, Value]:
    """Return what of a row tells that the answer came from the cache, and what that saved."""
    return {
        "cached": 1,
        "saved_tokens_in": kept.usage.tokens_in,
        "saved_tokens_out": kept.usage.tokens_out,
        "saved_cost": saved(kept, call.options.custom_cost, call.ask, ending),
    }


def _paid(call: Call, paid: Cost) -> dict[str, Value]:
    flags = [*call.trail.flags, *paid.flags]
    return {
        "cost": paid.usd,
        "custom_cost": int(paid.custom),
        "flags": json.dumps(flags) if flags else None,
    }


def _units(usage: Usage) -> str | None:
    counts = zip(UNITS, _units_of(usage), strict=True)
    known = {unit: count for unit, count in counts if count is not None}
    return json.dumps(known) if known else None


def _json(metadata: Metadata) -> str:
    # In its own letters, as it is searched. A row on its way to the database is in ASCII.
    return json.dumps(metadata, ensure_ascii=False)


def _text(value: str | None) -> str | None:
    return None if value is None else value[:TEXT_LENGTH]
