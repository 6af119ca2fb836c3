"""Byte streams and their chunks, read in as few crossings as can be."""

import asyncio
from typing import Any

from js import TextDecoder, Uint8Array

from runtime.convert import object_out

TEXT_LIMIT = 10_000_000
"""Bytes of a body that are held as text. What is longer passes through, unread or half read."""
FIRST_READ = 65_536
"""Bytes of the first read of a stream. Each read doubles, so that a long stream needs few."""


def overlook(done: asyncio.Future[None]) -> None:
    """Take note of a promise whose failure is nothing to report."""
    done.exception()


def decode(chunks: list[Any]) -> str:
    """Return the text of chunks."""
    decoder = TextDecoder.new()
    if len(chunks) == 1:
        return decoder.decode(chunks[0])
    more = object_out({"stream": True})
    return "".join([decoder.decode(chunk, more) for chunk in chunks]) + decoder.decode()


def joined(chunks: list[Any], size: int) -> Any:
    """Return the bytes of chunks as one `Uint8Array`."""
    if len(chunks) == 1:
        return chunks[0]
    whole, offset = Uint8Array.new(size), 0
    for chunk in chunks:
        whole.set(chunk, offset)
        offset += chunk.byteLength
    return whole


async def read(stream: Any, limit: int) -> list[Any] | None:
    """Return the chunks of a byte stream. None, and the stream is cancelled, above the limit."""
    reader = stream.getReader(object_out({"mode": "byob"}))
    chunks: list[Any] = []
    size, step = 0, FIRST_READ
    while size <= limit:
        result = await reader.readAtLeast(step, Uint8Array.new(step))
        length = result.value.byteLength if result.value else 0
        if length:
            chunks.append(result.value)
        if length < step:  # only the end of a stream makes a read short
            return chunks
        size += length
        step *= 2
    await reader.cancel()
    return None
