"""Ids of requests, events and log rows: UUIDv7, so that their order is the order of time."""

import os
from dataclasses import dataclass

_COUNTS = 1 << 12
_SLACK = 1_000 * _COUNTS
_DRAWN = 640


@dataclass(slots=True)
class _Newest:
    """The newest id, and entropy for those to come: asked for one by one it is dear."""

    stamp: int = 0
    """Its time and its count, as one number."""
    entropy: bytes = b""


_newest = _Newest()


def uuid7(now: float) -> str:
    """Return a lower-case UUIDv7 (RFC 9562, section 5.7) of a time in epoch milliseconds.

    Ids of one isolate are in the order in which they were made, those of one millisecond too: their
    first twelve bits after the time count (section 6.2, method 1).
    """
    if not _newest.entropy:
        _newest.entropy = os.urandom(_DRAWN)
    entropy, _newest.entropy = _newest.entropy[:10], _newest.entropy[10:]
    # Begins low, so that there is room to count.
    begin = int(now) * _COUNTS + (int.from_bytes(entropy[:2], "big") & 0x3FF)
    # A clock that was set back begins anew, instead of counting on in a future that was none.
    late = begin <= _newest.stamp < begin + _SLACK
    stamp = _newest.stamp = _newest.stamp + 1 if late else begin
    text = (
        (stamp // _COUNTS).to_bytes(6, "big")
        + (0x7000 | stamp % _COUNTS).to_bytes(2, "big")
        + bytes((0x80 | entropy[2] & 0x3F,))
        + entropy[3:]
    ).hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def short_id() -> str:
    """Return eight hexadecimal digits, for what is told apart from a few others."""
    return os.urandom(4).hex()


def since(milliseconds: int) -> str:
    """Return what the ids of a time and of all later ones are greater than, and no earlier one."""
    text = f"{max(milliseconds, 0):012x}"
    return f"{text[:8]}-{text[8:]}"
