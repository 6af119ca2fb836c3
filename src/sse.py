"""Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), no I/O.

A stream reaches Python as one text after it has ended, so what is read here is read from the end:
the events that matter, the last and the one with the usage, are there.
"""

import re
from collections.abc import Iterator

_BLANK_LINES = re.compile("\n{3,}")


def backwards(text: str) -> Iterator[str]:
    """Yield the data of each event of a stream, the last event first.

    An event without data is passed over. What stands after the last blank line is an event too:
    a stream may end without one, and a stream that was cut must not look as if it had not been.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\n\n\n" in text:
        # Blank lines without end would be events without end.
        text = _BLANK_LINES.sub("\n\n", text)
    end = len(text)
    while end >= 0:
        start = text.rfind("\n\n", 0, end)
        block = text[start + 2 if start >= 0 else 0 : end]
        data = _data(block)
        if data is not None:
            yield data
        end = start


def forwards(text: str) -> tuple[list[str], str]:
    """Return the data of each event that is whole, and what is left of the text.

    For whoever must see events as they come, which costs Python's time for each.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    *blocks, rest = text.split("\n\n")
    events = [_data(block) for block in blocks]
    return [data for data in events if data is not None], rest


def _data(block: str) -> str | None:
    data = [_value(line) for line in block.split("\n") if line.startswith("data:")]
    return "\n".join(data) if data else None


def _value(line: str) -> str:
    value = line[len("data:") :]
    return value.removeprefix(" ")
