"""How an answer begins: where an error shows that came before anything was said."""

import re
from collections.abc import Iterator

# Any number of them, or blank lines without end would be events without end.
_BLANK_LINE = re.compile(r"(?:\r\n){2,}|\n{2,}|\r{2,}")
_LINE_END = re.compile(r"\r\n|\n|\r")
_NAME = "event:"
_DATA = "data:"


def parts(text: str) -> Iterator[tuple[str, str]]:
    """Yield what an answer is made of, the first part first: a name, and a text to parse.

    JSON is one part without a name. Of a stream each event is one, unless it has neither name nor
    data, as comments have.
    """
    if text.lstrip()[:1] in ("{", "["):
        yield "", text
        return
    start = 0
    while start < len(text):
        end = _BLANK_LINE.search(text, start)
        lines = _LINE_END.split(text[start : end.start() if end else len(text)])
        name, data = _values(lines, _NAME), _values(lines, _DATA)
        if name or data:
            yield "".join(name[-1:]), "\n".join(data)
        start = end.end() if end else len(text)


def _values(lines: list[str], field: str) -> list[str]:
    return [line[len(field) :].removeprefix(" ") for line in lines if line.startswith(field)]
