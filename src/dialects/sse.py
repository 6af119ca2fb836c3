"""Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), no I/O.

A stream reaches Python as one text after it has ended, so it is read from the end: the events that
matter, the last and the one with the usage, are there.

A line ends with LF, CRLF or CR. What no blank line follows when a stream ends is an event too.
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


class Events:
    """The data of the events of a stream, as its text comes.

    For whoever must see events as they come, which costs Python's time for each.
    """

    def __init__(self) -> None:
        self._begun: list[str] = []
        """Pieces of the event that is not whole yet."""

    def more(self, text: str) -> list[str]:
        """Return the data of each event that is whole, now that this text has come."""
        self._begun.append(text)
        if "\n" not in text and "\r" not in text:
            # A long event is not looked through again with each of its pieces.
            return []
        *blocks, rest = _in_lines("".join(self._begun)).split("\n\n")
        self._begun = [rest] if rest else []
        return [data for data in map(_data, blocks) if data is not None]

    def end(self) -> list[str]:
        """Return the data of the event that the end of the stream makes whole, where there is one.

        The standard wants it forgotten, but what vendors' own clients deliver is lost to nobody.
        """
        return self.more("\n\n")


def _in_lines(text: str) -> str:
    """Return a text of which more may come with LF for line ends."""
    if "\r" not in text:
        return text
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    # Half a line end, perhaps. It can wait, unless the event ends here whatever comes: an LF that
    # follows is one blank line more.
    wait = text.endswith("\r") and not lines.endswith("\n\n")
    return lines[:-1] + "\r" if wait else lines


def _data(block: str) -> str | None:
    data = [_value(line) for line in block.split("\n") if line.startswith("data:")]
    return "\n".join(data) if data else None


def _value(line: str) -> str:
    value = line[len("data:") :]
    return value.removeprefix(" ")
