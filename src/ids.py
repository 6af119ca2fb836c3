"""Ids of requests, events and log rows: UUIDv7, so that their order is the order of time."""

import os


def uuid7(now: float) -> str:
    """Return a lower-case UUIDv7 (RFC 9562, section 5.7) of a time in epoch milliseconds."""
    entropy = os.urandom(10)
    text = (
        int(now).to_bytes(6, "big")
        + bytes((0x70 | entropy[0] & 0x0F, entropy[1], 0x80 | entropy[2] & 0x3F))
        + entropy[3:]
    ).hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
