"""Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), no I/O.

A stream reaches Python as one text after it has ended, so what is read here is read from the end:
the events that matter, the last and the one with the usage, are there.
"""

from collections.abc import Iterator


def backwards(text: str) -> Iterator[str]:
    """Yield the data of each event of a stream, the last event first.

    An event without data is passed over. What stands after the last blank line is an event too:
    a stream may end without one, and a stream that was cut must not look as if it had not been.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
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
