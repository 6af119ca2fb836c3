"""What the scripted provider can be told to do, by name."""

import gzip
import json
import random

from worker.scripted import Script, Wire

CHAT = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "gpt-5-mini-2026-01-01",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Grüße 👋"}}],
        "usage": {
            "prompt_tokens": 12,
            "completion_tokens": 7,
            "prompt_tokens_details": {"cached_tokens": 4},
            "completion_tokens_details": {"reasoning_tokens": 3},
        },
    },
    ensure_ascii=False,
).encode()
AUDIO = bytes(range(256)) * 64
LONG_AUDIO = random.Random(0).randbytes(5_000_000)
"""More than is handed over to those who ask the same at once: who gets it has it from KV."""
LONG = 20_000_000


def event(content: str | None, usage: dict[str, int] | None = None) -> bytes:
    """Return one event of a chat stream."""
    choices = [] if content is None else [{"index": 0, "delta": {"content": content}}]
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": choices}
    return f"data: {json.dumps(chunk | {'usage': usage}, ensure_ascii=False)}\n\n".encode()


USAGE = event(None, {"prompt_tokens": 12, "completion_tokens": 7})
DONE = b"data: [DONE]\n\n"


async def stream_head(wire: Wire) -> None:
    await wire.head("200 OK", content_type="text/event-stream", transfer_encoding="chunked")


async def json_answer(wire: Wire) -> None:
    await wire.whole("200 OK", "application/json", CHAT, x_request_id="req_1")


async def json_in_chunks(wire: Wire) -> None:
    await wire.head("200 OK", content_type="application/json", transfer_encoding="chunked")
    for start in range(0, len(CHAT), 10):
        await wire.chunk(CHAT[start : start + 10])
    await wire.chunk(b"")


async def json_gzipped(wire: Wire) -> None:
    await wire.whole("200 OK", "application/json", gzip.compress(CHAT), content_encoding="gzip")


async def json_gzipped_in_chunks(wire: Wire) -> None:
    headers = {"content_type": "application/json", "content_encoding": "gzip"}
    await wire.head("200 OK", transfer_encoding="chunked", **headers)
    for part in (gzip.compress(CHAT), b""):
        await wire.chunk(part)


async def json_cut(wire: Wire) -> None:
    await wire.head("200 OK", content_type="application/json", content_length="5000")
    await wire.send(CHAT)
    wire.cut()


async def audio(wire: Wire) -> None:
    await wire.whole("200 OK", "audio/mpeg", AUDIO)


async def long_audio(wire: Wire) -> None:
    await wire.whole("200 OK", "audio/mpeg", LONG_AUDIO)


async def audio_and_hang(wire: Wire) -> None:
    await wire.head("200 OK", content_type="audio/mpeg", transfer_encoding="chunked")
    await wire.chunk(AUDIO)
    await wire.hang()


async def long_answer(wire: Wire) -> None:
    await wire.head("200 OK", content_type="application/json", transfer_encoding="chunked")
    for _ in range(LONG // 100_000):
        await wire.chunk(b"x" * 100_000)
    await wire.chunk(b"")


async def rate_limited(wire: Wire) -> None:
    body = b'{"error":{"message":"Slow down","type":"requests","code":"rate_limit_exceeded"}}'
    headers = {"retry_after": "7", "x_ratelimit_remaining_requests": "0", "set_cookie": "a=b"}
    await wire.whole("429 Too Many Requests", "application/json", body, **headers)


async def rate_limited_at_once(wire: Wire) -> None:
    """Answer an error in chunks, which announces no length."""
    await wire.head(
        "429 Too Many Requests", content_type="application/json", transfer_encoding="chunked"
    )
    for part in (b'{"error":{"message":"Slow down"', b',"type":"requests"}}', b""):
        await wire.chunk(part)


async def redirect(wire: Wire) -> None:
    await wire.head("307 Temporary Redirect", location="/v1/script/json_answer", content_length="0")


async def strange_status(wire: Wire) -> None:
    await wire.whole("999 Request Denied", "text/plain", b"no")


async def no_content(wire: Wire) -> None:
    await wire.head("204 No Content")


async def not_modified(wire: Wire) -> None:
    await wire.head("304 Not Modified", etag='"1"')


async def stream(wire: Wire) -> None:
    await stream_head(wire)
    for part in (event("Hello "), event("world"), USAGE, DONE, b""):
        await wire.chunk(part)


async def stream_without_usage(wire: Wire) -> None:
    await stream_head(wire)
    for part in (event("Hello"), DONE, b""):
        await wire.chunk(part)


async def stream_step_by_step(wire: Wire) -> None:
    await stream_head(wire)
    await wire.chunk(event("first"))
    await wire.go_on.wait()
    for part in (event("second"), USAGE, DONE, b""):
        await wire.chunk(part)


async def stream_after_a_while(wire: Wire) -> None:
    """Send headers at once, as vendors do, and events when they are there."""
    await stream_head(wire)
    for part in (event("first"), event("second")):
        await wire.go_on.wait()
        wire.go_on.clear()
        await wire.chunk(part)
    for part in (USAGE, DONE, b""):
        await wire.chunk(part)


async def stream_byte_by_byte(wire: Wire) -> None:
    """Cut every event everywhere, in the middle of characters too, with CRLF line ends."""
    await stream_head(wire)
    text = (event("Grüße 👋") + USAGE + DONE).replace(b"\n", b"\r\n")
    for byte in text:
        await wire.chunk(bytes([byte]))
    await wire.chunk(b"")


async def stream_cut(wire: Wire) -> None:
    await stream_head(wire)
    await wire.chunk(event("Hello "))
    await wire.go_on.wait()
    wire.cut()


async def stream_without_end(wire: Wire) -> None:
    """End cleanly, but without the event that says so."""
    await stream_head(wire)
    for part in (event("Hello "), b""):
        await wire.chunk(part)


async def stream_on_and_on(wire: Wire) -> None:
    """Send an event every 50 ms, for as long as somebody listens."""
    await stream_head(wire)
    while not wire.request.closed.is_set():
        await wire.chunk(event("Hello "))
        await wire.listen(0.05)


async def stream_and_hang(wire: Wire) -> None:
    await stream_head(wire)
    await wire.chunk(event("Hello "))
    await wire.hang()


async def stream_head_and_hang(wire: Wire) -> None:
    await stream_head(wire)
    await wire.hang()


async def json_head_and_hang(wire: Wire) -> None:
    await wire.head("200 OK", content_type="application/json", content_length="5000")
    await wire.hang()


async def hang(wire: Wire) -> None:
    await wire.hang()


async def slam(wire: Wire) -> None:
    wire.cut()


SCRIPTS: dict[str, Script] = {
    script.__name__: script
    for script in (
        json_answer,
        json_in_chunks,
        json_gzipped,
        json_gzipped_in_chunks,
        json_cut,
        audio,
        long_audio,
        audio_and_hang,
        long_answer,
        rate_limited,
        rate_limited_at_once,
        redirect,
        strange_status,
        no_content,
        not_modified,
        stream,
        stream_without_usage,
        stream_step_by_step,
        stream_after_a_while,
        stream_byte_by_byte,
        stream_cut,
        stream_without_end,
        stream_on_and_on,
        stream_and_hang,
        stream_head_and_hang,
        json_head_and_hang,
        hang,
        slam,
    )
}
