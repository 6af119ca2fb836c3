"""What a gateway tells its caller when a provider fails, in a few words."""

import json
from dataclasses import dataclass

DONE = "[DONE]"


@dataclass(frozen=True)
class Reply:
    """An answer as a caller gets it."""

    status: int
    retry_after: str | None
    body: str
    broken: bool
    """Whether the connection ended before the answer did."""


def told(reply: Reply | None) -> str:
    """Tell an answer in words; None is one that did not come in time.

    `429, after 7` is an error with the seconds of its Retry-After. `whole` is a JSON body of status
    200 that can be read, `half` one that cannot. A stream is told by the events that can be read,
    those that cannot, and its end: `done` has the mark of the end, `cut` broke off, `error` told of
    one, `ended` did none of these and is like one that is complete.
    """
    if reply is None:
        return "no answer"
    if not reply.status:
        return "cut off"
    if reply.status != 200:
        return (
            f"{reply.status}, after {reply.retry_after}" if reply.retry_after else str(reply.status)
        )
    if "data:" in reply.body:
        return f"{_events(reply.body)}, {_end(reply)}"
    if reply.broken:
        return "cut"
    return "whole" if _readable(reply.body) else "half"


def _lines(body: str) -> list[str]:
    found = (
        line.removeprefix("data:").strip() for line in body.splitlines() if line.startswith("data:")
    )
    return [line for line in found if line != DONE]


def _events(body: str) -> str:
    lines = _lines(body)
    good = sum(_readable(line) and not _is_error(line) for line in lines)
    bad = sum(not _readable(line) for line in lines)
    return f"{good}+{bad} bad" if bad else f"{good} events"


def _end(reply: Reply) -> str:
    if any(_readable(line) and _is_error(line) for line in _lines(reply.body)):
        return "error"
    if reply.broken:
        return "cut"
    return "done" if DONE in reply.body else "ended"


def _readable(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _is_error(line: str) -> bool:
    event = json.loads(line)
    return isinstance(event, dict) and "error" in event
