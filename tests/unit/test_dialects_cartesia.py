"""Cartesia: what its fixtures do not show."""

import json

import pytest

from call import Ask, Failure, Report, Usage
from dialects.cartesia import CARTESIA

UNKNOWN = Usage()
SPEAKS, LISTENS = "text-to-speech", "automatic-speech-recognition"


def events(*payloads: dict[str, object]) -> str:
    return "".join(f"event: {p['type']}\ndata: {json.dumps(p)}\n\n" for p in payloads)


CHUNK: dict[str, object] = {"type": "chunk", "data": "AAAA", "done": False, "status_code": 206}
DONE: dict[str, object] = {"type": "done", "done": True}
BROKEN: dict[str, object] = {"type": "error", "done": True, "status_code": 500, "title": "Oh no"}


@pytest.mark.parametrize(
    ("path", "model_type", "stream"),
    [
        ("tts/bytes", SPEAKS, False),
        ("tts/sse", SPEAKS, True),
        ("tts/websocket", SPEAKS, False),
        ("infill/bytes", SPEAKS, False),
        ("stt", LISTENS, False),
        ("audio/transcriptions", LISTENS, False),
        ("voice-changer/sse", None, True),
        ("voices", None, False),
        ("sttx", None, False),
        ("audio", None, False),
        ("", None, False),
    ],
)
def test_cartesia_tells_task_and_stream_by_the_path(
    path: str, model_type: str | None, stream: bool
) -> None:
    assert CARTESIA.ask(path, None, "") == Ask(None, model_type, stream)
    assert CARTESIA.ask(path, '{"stream":true}', "").stream is stream


def test_cartesia_tells_the_time_of_transcripts_alone() -> None:
    assert CARTESIA.report('{"duration":3}') == Report()
    assert CARTESIA.report('{"text":"","duration":0}') == Report(usage=Usage(audio_seconds=0))


@pytest.mark.parametrize(
    ("stream", "complete"),
    [
        ((CHUNK, DONE), True),
        ((DONE,), True),
        ((CHUNK,), False),
        ((DONE, CHUNK), False),
        ((CHUNK, BROKEN), False),
        ((CHUNK, BROKEN, DONE), False),
        ((), False),
    ],
)
def test_a_stream_of_cartesia_ends_with_its_last_event(
    stream: tuple[dict[str, object], ...], complete: bool
) -> None:
    assert CARTESIA.stream_report(events(*stream)) == Report(usage=UNKNOWN, complete=complete)


def test_a_stream_of_cartesia_that_begins_with_an_error_spoke_nothing() -> None:
    told = CARTESIA.stream_report(": ping\n\n" + events(BROKEN))

    assert told == Report(usage=Usage(characters=0), complete=False)


@pytest.mark.parametrize(
    "text",
    [
        events(CHUNK),
        events(CHUNK, BROKEN),
        ": ping\n\n",
        events({"type": "timestamps", "word_timestamps": {"words": ['"type":"error"']}}),
        "event: error\n\n",
        events(BROKEN)[:-9],
        '{"text":"\\"type\\":\\"error\\"","duration":1}',
    ],
)
def test_what_does_not_begin_with_an_error_hides_none(text: str) -> None:
    assert CARTESIA.hidden(text) is None


@pytest.mark.parametrize(
    ("status", "retryable"),
    [(429, True), (500, True), (400, False), (None, False), ("429", False), (206, False)],
)
def test_the_status_within_an_event_tells_whether_it_passes(
    status: object, retryable: bool
) -> None:
    text = events({"type": "error", "status_code": status, "error": "Oh no"})

    assert CARTESIA.hidden(text) == Failure(None, "Oh no", retryable)
    assert CARTESIA.hidden(text.replace("\n", "\r\n")) == Failure(None, "Oh no", retryable)


def test_a_plain_text_of_cartesia_is_not_kept_whole() -> None:
    assert CARTESIA.failure(500, "a" * 10_000, {}).message == "a" * 500
