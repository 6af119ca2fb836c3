import json
import struct
from binascii import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialects import eventstream, sse

# Decoded by botocore 1.44.5 as well.
DELTA = bytes.fromhex(
    "0000009400000057b4ab9aee0b3a6576656e742d74797065070011636f6e74656e74426c6f636b44656c74610d3a63"
    "6f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d74797065070005"
    "6576656e747b22636f6e74656e74426c6f636b496e646578223a302c2264656c7461223a7b2274657874223a224869"
    "227d7d1f944657"
)
EXCEPTION = bytes.fromhex(
    "00000090000000618e91a9b70f3a657863657074696f6e2d747970650700137468726f74746c696e67457863657074"
    "696f6e0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d74"
    "797065070009657863657074696f6e7b226d657373616765223a22546f6f206d616e79207265717565737473227de6"
    "7f8005"
)
DELTA_TEXT = 'event: contentBlockDelta\ndata: {"contentBlockIndex":0,"delta":{"text":"Hi"}}\n\n'
EXCEPTION_TEXT = 'event: throttlingException\ndata: {"message":"Too many requests"}\n\n'


def frame(head: bytes, payload: bytes) -> bytes:
    lengths = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    body = lengths + struct.pack(">I", crc32(lengths)) + head + payload
    return body + struct.pack(">I", crc32(body))


def header(name: str, kind: int, value: bytes) -> bytes:
    return bytes([len(name)]) + name.encode() + bytes([kind]) + value


def string(name: str, value: str) -> bytes:
    return header(name, 7, struct.pack(">H", len(value.encode())) + value.encode())


def event(kind: str, payload: str) -> bytes:
    return frame(string(":message-type", "event") + string(":event-type", kind), payload.encode())


@pytest.mark.parametrize(("data", "text"), [(DELTA, DELTA_TEXT), (EXCEPTION, EXCEPTION_TEXT)])
def test_a_frame_becomes_an_event(data: bytes, text: str) -> None:
    assert eventstream.text(data) == text


def test_frames_come_in_their_order() -> None:
    assert eventstream.text(DELTA + DELTA + EXCEPTION) == DELTA_TEXT * 2 + EXCEPTION_TEXT


def test_nothing_is_no_event() -> None:
    assert eventstream.text(b"") == ""


@pytest.mark.parametrize("at", range(len(EXCEPTION)))
def test_a_frame_that_was_cut_is_left_out(at: int) -> None:
    assert eventstream.text(DELTA + EXCEPTION[:at]) == DELTA_TEXT


@pytest.mark.parametrize("at", range(len(DELTA)))
def test_nothing_is_believed_behind_a_wrong_checksum(at: int) -> None:
    wrong = DELTA[:at] + bytes([DELTA[at] ^ 1]) + DELTA[at + 1 :]

    assert eventstream.text(EXCEPTION + wrong + DELTA) == EXCEPTION_TEXT


@pytest.mark.parametrize(
    ("total", "length"), [(0, 0), (15, 0), (16, 1), (2**32 - 1, 0), (16, 2**32 - 1), (12, 0)]
)
def test_lengths_that_cannot_be_are_not_followed(total: int, length: int) -> None:
    lengths = struct.pack(">II", total, length)
    data = lengths + struct.pack(">I", crc32(lengths)) + b"\0" * 64

    assert eventstream.text(data) == ""


def test_a_frame_without_headers_or_payload_is_an_event_without_name_or_data() -> None:
    assert eventstream.text(frame(b"", b"") + DELTA) == "event: \ndata: \n\n" + DELTA_TEXT


def test_headers_of_every_type_may_stand_before_the_type_of_the_event() -> None:
    head = b"".join(
        [
            header("true", 0, b""),
            header("false", 1, b""),
            header("byte", 2, b"\x01"),
            header("short", 3, b"\x01" * 2),
            header("integer", 4, b"\x01" * 4),
            header("long", 5, b"\x01" * 8),
            header("bytes", 6, b"\x00\x03abc"),
            header("timestamp", 8, b"\x01" * 8),
            header("uuid", 9, b"\x01" * 16),
            string(":event-type", "chunk"),
        ]
    )

    assert eventstream.text(frame(head, b"{}")) == "event: chunk\ndata: {}\n\n"


def test_an_error_without_a_type_tells_its_code_and_its_message() -> None:
    head = (
        string(":message-type", "error")
        + string(":error-code", "InternalFailure")
        + string(":error-message", 'It "broke"\n')
    )

    name, data, *_ = eventstream.text(frame(head, b"")).split("\n")

    assert name == "event: InternalFailure"
    assert json.loads(data.removeprefix("data: ")) == {"message": 'It "broke"\n'}


def test_headers_that_are_cut_short_leave_the_payload() -> None:
    head = string(":event-type", "metadata")

    for at in range(len(head)):
        assert eventstream.text(frame(head[:at], b"{}")) == "event: \ndata: {}\n\n"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_payload_of_several_lines_is_one_event(end: str) -> None:
    text = eventstream.text(event("metadata", f'{{{end}"a": 1{end}{end}}}') + DELTA)

    delta, several = sse.backwards(text)

    assert json.loads(delta)["delta"] == {"text": "Hi"}
    assert json.loads(several) == {"a": 1}


def test_a_name_does_not_break_the_line() -> None:
    assert eventstream.text(event("a\r\nb\n\nc", "{}")) == "event: abc\ndata: {}\n\n"


def test_a_payload_that_is_no_text_is_still_an_event() -> None:
    head = string(":event-type", "chunk")

    assert eventstream.text(frame(head, b"\xff{}")) == "event: chunk\ndata: �{}\n\n"


@given(st.lists(st.tuples(st.text(max_size=50), st.dictionaries(st.text(), st.text()))))
def test_what_was_framed_is_read(events: list[tuple[str, dict[str, str]]]) -> None:
    data = b"".join(event(kind, json.dumps(payload)) for kind, payload in events)

    told = list(sse.backwards(eventstream.text(data)))

    assert [json.loads(text) for text in told] == [payload for _, payload in events[::-1]]


@given(st.binary())
def test_any_bytes_can_be_read(data: bytes) -> None:
    assert eventstream.text(DELTA + data).startswith(DELTA_TEXT)


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_any_headers_and_payload_can_be_read(head: bytes, payload: bytes) -> None:
    text = eventstream.text(frame(head, payload) + DELTA)

    assert text.startswith("event: ")
    assert text.endswith(DELTA_TEXT)
