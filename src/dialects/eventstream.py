"""AWS event streams (`application/vnd.amazon.eventstream`), as text.

A frame is a prelude (two lengths and their checksum), headers, a payload and a checksum of it all:
https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html
"""

import json
import struct
from binascii import crc32
from collections.abc import Iterator

_PRELUDE = struct.Struct(">III")
_CRC = struct.Struct(">I")
_STRING = 7
# Bytes of the value of each type of header; those of the two others stand before their value.
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
_KINDS = (":event-type", ":exception-type", ":error-code")


def text(data: bytes) -> str:
    """Return frames as server-sent events: the event's or exception's type, and its payload.

    What follows a frame that is cut, or whose checksums are wrong, is left out: then the events
    lack their end, as those of any broken stream do. Raises nothing, whatever the bytes.
    """
    # A stream repeats the headers of few types of events: each is read once.
    kinds: dict[bytes, tuple[str, str]] = {}
    events: list[str] = []
    for head, payload in _frames(data):
        if head not in kinds:
            kinds[head] = _kind(_headers(head))
        kind, told = kinds[head]
        events.append(f"event: {kind}\ndata: {_line(payload) or told}\n\n")
    return "".join(events)


def _frames(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the headers and the payload of each frame."""
    view = memoryview(data)
    at = 0
    while at + _PRELUDE.size <= len(data):
        total, length, checksum = _PRELUDE.unpack_from(data, at)
        end, begin = at + total, at + _PRELUDE.size
        body = end - _CRC.size
        # The lengths are only worth following once their own checksum is right.
        if crc32(view[at : at + 8]) != checksum or not begin + length <= body < end <= len(data):
            return
        if crc32(view[at:body]) != _CRC.unpack_from(data, body)[0]:
            return
        yield data[begin : begin + length], data[begin + length : body]
        at = end


def _line(payload: bytes) -> str:
    """Return a payload as it stands behind `data:`. JSON has line ends between its values alone."""
    line = payload.decode("utf-8", "replace")
    if "\n" in line or "\r" in line:
        line = line.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\ndata: ")
    return line


def _kind(headers: dict[str, str]) -> tuple[str, str]:
    """Return the type of a frame, and what it says if it has no payload.

    An error that the service has no type for is told by two headers:
    https://smithy.io/2.0/aws/amazon-eventstream.html
    """
    kind = next((headers[name] for name in _KINDS if name in headers), "")
    message = headers.get(":error-message")
    return "".join(kind.split()), "" if message is None else json.dumps({"message": message})


def _headers(data: bytes) -> dict[str, str]:
    """Return the headers that are strings, which are all that are sent.

    What is cut short within them is left out.
    """
    headers: dict[str, str] = {}
    at = 0
    while at < len(data) and (name_end := at + 1 + data[at]) < len(data):
        name, kind = data[at + 1 : name_end], data[name_end]
        at = name_end + 1
        if kind in _SIZES:
            at += _SIZES[kind]
            continue
        size = int.from_bytes(data[at : at + 2], "big")
        at += 2 + size
        if kind == _STRING and at <= len(data):
            value = data[at - size : at].decode("utf-8", "replace")
            headers[name.decode("utf-8", "replace")] = value
    return headers
