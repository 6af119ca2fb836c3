"""Byte streams and their chunks, read in as few crossings as can be."""

import asyncio
from collections.abc import Callable
from typing import Any

from js import Uint8Array

from runtime.convert import object_out

TEXT_LIMIT = 10_000_000
"""Bytes of a body that are held as text. What is longer passes through, unread or half read."""
FIRST_READ = 65_536
"""Bytes of the first read of a stream. Each read doubles, so that a long stream needs few."""

_MARK = "\ufeff"
"""What may stand before a text, to say how it is written."""


def overlook(done: asyncio.Future[None]) -> None:
    """Take note of a promise whose failure is nothing to report."""
    done.exception()


def decode(chunks: list[Any]) -> str:
    """Return the text of chunks, as `TextDecoder` would."""
    # Bytes cross all at once; a string of JavaScript's does so letter by letter.
    return bytes_of(chunks).decode(errors="replace").removeprefix(_MARK)


def bytes_of(chunks: list[Any]) -> bytes:
    """Return the bytes of chunks, in Python."""
    return b"".join([chunk.to_bytes() for chunk in chunks])


def joined(chunks: list[Any], size: int) -> Any:
    """Return the bytes of chunks as one `Uint8Array`."""
    if len(chunks) == 1:
        return chunks[0]
    whole, offset = Uint8Array.new(size), 0
    for chunk in chunks:
        whole.set(chunk, offset)
        offset += chunk.byteLength
    return whole


async def read(
    stream: Any, limit: int, begun: Callable[[], None] | None = None
) -> list[Any] | None:
    """Return the chunks of a byte stream. None, and the stream is cancelled, above the limit.

    `begun` is called when the first of its bytes are there, which takes a read of its own.
    """
    reader = stream.getReader(object_out({"mode": "byob"}))
    chunks: list[Any] = []
    size, step = 0, 1 if begun else FIRST_READ
    while size <= limit:
        result = await reader.readAtLeast(step, Uint8Array.new(max(step, FIRST_READ)))
        length = result.value.byteLength if result.value else 0
        if length:
            chunks.append(result.value)
            if begun and size == 0:
                begun()
        if length < step:  # only the end of a stream makes a read short
            return chunks
        size += length
        step = max(2 * step, FIRST_READ)
    await reader.cancel()
    return None
