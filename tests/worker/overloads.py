"""Scripts of streams that begin with an error behind a status of 200, and of some that do not."""

import gzip
import struct
from binascii import crc32

from worker.scripted import Wire
from worker.scripts import DONE, USAGE, event

OVERLOAD = b'data: {"error": {"message": "Overloaded", "type": "overloaded_error"}}\n\n'
COMMENTS = b": \xf0\x9f\x91\x8b PROCESSING\n\n: PROCESSING\n\n"
ROLE = b'data: {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}\n\n'


async def play(wire: Wire, *parts: bytes, **headers: str) -> None:
    """Begin a stream, and say no more until the test lets it end, or the gateway leaves."""
    await wire.head("200 OK", transfer_encoding="chunked", **headers)
    for part in parts:
        await wire.chunk(part)
        # So that the pieces arrive as pieces.
        await wire.listen(0.002)
    while not (wire.go_on.is_set() or wire.request.closed.is_set()):
        await wire.listen(0.02)
    await wire.chunk(b"")


async def sse(wire: Wire, *parts: bytes, **headers: str) -> None:
    await play(wire, *parts, content_type="text/event-stream; charset=utf-8", **headers)


async def overload_at_once(wire: Wire) -> None:
    await sse(wire, OVERLOAD)


async def overload_in_pieces(wire: Wire) -> None:
    await sse(wire, *(OVERLOAD[start : start + 3] for start in range(0, len(OVERLOAD), 3)))


async def overload_after_comments(wire: Wire) -> None:
    await sse(wire, COMMENTS[:3], COMMENTS[3:], OVERLOAD)


async def overload_with_crlf(wire: Wire) -> None:
    text = (COMMENTS + OVERLOAD).replace(b"\n", b"\r\n")
    await sse(wire, text[:-3], text[-3:-1], text[-1:])


async def overload_gzipped(wire: Wire) -> None:
    # Nobody asked for it; some vendors' servers do not care.
    await sse(wire, gzip.compress(COMMENTS + OVERLOAD), content_encoding="gzip")


async def overload_before_the_end(wire: Wire) -> None:
    await sse(wire, OVERLOAD + DONE)


TEXTS = {
    "overload_at_once": OVERLOAD,
    "overload_in_pieces": OVERLOAD,
    "overload_after_comments": COMMENTS + OVERLOAD,
    "overload_with_crlf": (COMMENTS + OVERLOAD).replace(b"\n", b"\r\n"),
    "overload_gzipped": COMMENTS + OVERLOAD,
    "overload_before_the_end": OVERLOAD + DONE,
}


STEPS = {
    "stream_step_by_step": (event("first"), event("second") + USAGE + DONE),
    "role_then_words": (ROLE, event("Hello") + USAGE + DONE),
}
"""What comes at once, and what when the test has seen it."""


async def overloaded_json(wire: Wire) -> None:
    await wire.whole("200 OK", "application/json", OVERLOAD[6:].strip())


def frame(kind: str, name: str, payload: str) -> bytes:
    """Return a frame of the AWS event stream."""
    named = ((":message-type", kind), (f":{kind}-type", name))
    head = b"".join(
        bytes([len(key)]) + key.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
        for key, value in named
    )
    lengths = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    body = lengths + struct.pack(">I", crc32(lengths)) + head + payload.encode()
    return body + struct.pack(">I", crc32(body))


THROTTLED = frame("exception", "throttlingException", '{"message": "Too many requests"}')
FRAMES = (
    frame("event", "messageStart", '{"role": "assistant"}'),
    frame("event", "contentBlockDelta", '{"delta": {"text": "Hello"}}'),
    frame("event", "messageStop", '{"stopReason": "end_turn"}'),
    frame("event", "metadata", '{"usage": {"inputTokens": 5, "outputTokens": 2}}'),
)


async def frames_throttled(wire: Wire) -> None:
    parts = THROTTLED[:5], THROTTLED[5:40], THROTTLED[40:]
    await play(wire, *parts, content_type="application/vnd.amazon.eventstream")


async def frames_step_by_step(wire: Wire) -> None:
    await play_then(wire, FRAMES[0], *FRAMES[1:], content_type="application/vnd.amazon.eventstream")


async def role_then_words(wire: Wire) -> None:
    await play_then(wire, ROLE, event("Hello"), USAGE, DONE, content_type="text/event-stream")


async def words_gzipped(wire: Wire) -> None:
    await wire.head(
        "200 OK",
        content_type="text/event-stream",
        content_encoding="gzip",
        transfer_encoding="chunked",
    )
    for part in (gzip.compress(event("Hello") + USAGE + DONE), b""):
        await wire.chunk(part)


async def play_then(wire: Wire, first: bytes, *rest: bytes, **headers: str) -> None:
    """Send one part, and the others when the test has seen it."""
    await wire.head("200 OK", transfer_encoding="chunked", **headers)
    await wire.chunk(first)
    await wire.go_on.wait()
    for part in (*rest, b""):
        await wire.chunk(part)


SCRIPTS = (
    overload_at_once,
    overload_in_pieces,
    overload_after_comments,
    overload_with_crlf,
    overload_gzipped,
    overload_before_the_end,
    overloaded_json,
    frames_throttled,
    frames_step_by_step,
    role_then_words,
    words_gzipped,
)
