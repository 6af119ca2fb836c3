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
        data = [_value(line) for line in block.split("\n") if line.startswith("data:")]
        if data:
            yield "\n".join(data)
        end = start


def _value(line: str) -> str:
    value = line[len("data:") :]
    return value.removeprefix(" ")
