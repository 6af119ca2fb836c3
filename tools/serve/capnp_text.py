"""Values of Python as Cap'n Proto text, which is what workerd's configurations are written in."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Raw:
    """What is written as it stands."""

    text: str


Value: TypeAlias = "str | bool | int | Raw | Mapping[str, Value] | Sequence[Value]"
"""A text, a flag, a number, a struct by the names of its fields, or a list."""
Struct: TypeAlias = Mapping[str, Value]


def embed(path: str) -> Raw:
    """Return the content of a file, which is searched in the import path where it begins with /."""
    return Raw(f"embed {_quoted(path)}")


def written(value: Value, indent: str = "") -> str:
    """Return a value as text: short ones in one line, others with a line for each part."""
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, bool | int):
        return json.dumps(value)
    deeper = indent + "  "
    if isinstance(value, Mapping):
        parts = [f"{name} = {written(part, deeper)}" for name, part in value.items()]
        return _joined(parts, "()", indent)
    return _joined([written(part, deeper) for part in value], "[]", indent)


def _joined(parts: Sequence[str], brackets: str, indent: str) -> str:
    opening, closing = brackets
    line = f"{opening}{', '.join(parts)}{closing}"
    if "\n" not in line and len(indent + line) < 100:
        return line
    inner = "".join(f"{indent}  {part},\n" for part in parts)
    return f"{opening}\n{inner}{indent}{closing}"


def _quoted(text: str) -> str:
    # Cap'n Proto takes UTF-8 and JSON's short escapes, but no \u.
    return json.dumps(text, ensure_ascii=False)
