"""What is kept of an answer beside its bytes."""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, TypeAdapter

from call import Ask, Reply, Report, Usage
from ports import Ending, ReplyBody

HEAD_SIZE = 1024
"""Bytes that a head may have."""
STREAMS = ("text/event-stream", "application/vnd.amazon.eventstream")

# Those that describe the bytes. The others are about one exchange: its date, its id, its quota.
_DESCRIBING = ("cache-control", "content-disposition", "content-language", "content-type")
# With 202 the answer is still to come, with 204 there is none, and with 206 it is a part.
_WHOLE = (200, 201)

_NOTHING = Usage()

# What else a head says cannot be true, and might not even be an answer.
_Status = Annotated[int, Field(ge=_WHOLE[0], le=_WHOLE[-1])]
_Name = Annotated[str, Field(pattern=f"^(?:{'|'.join(_DESCRIBING)})$")]
_Value = Annotated[str, Field(pattern=r"^[^\x00-\x08\x0a-\x1f\x7f]*$")]


# What jobs say of themselves whose output is asked for later. Within a text of JSON it is escaped.
_UNDER_WAY = re.compile(
    r'"status"\s*:\s*"(?:queued|in_queue|in_progress|starting|processing|validating_files)"',
    re.IGNORECASE,
)
_BEGINNING = 4_096
"""Characters in which they say it."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a kept answer was."""

    status: _Status
    headers: dict[_Name, _Value]
    size: int
    """Bytes."""
    stored: int
    """Epoch milliseconds."""
    expires: int
    """Epoch milliseconds."""
    report: Report
    """What the provider said of it."""

    def dump(self) -> str:
        """Return the head as a JSON object."""
        return _HEAD.dump_json(self, exclude_defaults=True).decode()

    @classmethod
    def load(cls, text: str) -> "Head":
        """Return the head that was dumped. Raises ValueError."""
        return _HEAD.validate_json(text, strict=True)


_HEAD = TypeAdapter(Head)


def worth_keeping(reply: Reply) -> ReplyBody | None:
    """Return the body of an answer that may be kept, as far as it is known before its end."""
    body = reply.body
    failed = reply.status not in _WHOLE or reply.failed
    return None if failed or isinstance(body, str) else body


def is_answer(about: Head, ask: Ask) -> bool:
    """Return whether a model has answered, as far as one can tell.

    Else something may have been made: a file, a conversation, a job. Who asks for another one with
    the same words wants another one.
    """
    if about.report.usage != _NOTHING or "json" not in about.headers.get("content-type", ""):
        return True
    task = ask.model_type
    return bool(task) and (task != "text-generation" or ask.model is not None)


def head(reply: Reply, ending: Ending, now: float, ttl: int) -> Head | None:
    """Return the head of an answer that has ended.

    None where it is no success, or no whole one, or only says that another is to come.
    """
    report = reply.report(ending) if reply.report else Report()
    if ending.state != "complete" or ending.size is None or not report.complete:
        return None
    if ending.text is None and reply.headers.get("content-type", "").lower().startswith(STREAMS):
        return None  # nobody knows how it ended
    if reply.failure and ending.text and reply.failure(ending.text):
        return None  # an error in the clothes of a success
    if ending.text and _UNDER_WAY.search(ending.text, 0, _BEGINNING):
        return None
    described = {name: reply.headers[name] for name in _DESCRIBING if name in reply.headers}
    stored = round(now)
    return Head(reply.status, described, ending.size, stored, stored + ttl * 1000, report)
