"""Raw answers of every provider: tests/providers/<slug>.json."""

import json
from pathlib import Path
from typing import Any

import pytest

from dialects import eventstream

FOLDER = Path(__file__).resolve().parent / "providers"
FIXTURES: dict[str, dict[str, Any]] = {
    file.stem: json.loads(file.read_text()) for file in sorted(FOLDER.glob("*.json"))
}

streaming = pytest.mark.parametrize(
    "slug", [slug for slug, fixture in sorted(FIXTURES.items()) if "stream" in fixture]
)


def stream_of(fixture: dict[str, Any]) -> bytes:
    """Return a stream as its bytes: text, or frames that are written in hexadecimal."""
    whole = "".join(fixture["stream"])
    return bytes.fromhex(whole) if fixture.get("framed") else whole.encode()


def text_of(fixture: dict[str, Any], data: bytes) -> str:
    return eventstream.text(data) if fixture.get("framed") else data.decode()
