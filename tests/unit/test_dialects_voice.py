"""The three vendors of voices: what holds for each of them, and what is counted."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call import Ask, Failure, Report, Usage
from dialects.base import Dialect
from dialects.cartesia import CARTESIA
from dialects.deepgram import DEEPGRAM
from dialects.elevenlabs import ELEVENLABS

UNKNOWN = Usage()
SPEAKS, LISTENS = "text-to-speech", "automatic-speech-recognition"
DEEP = "[" * 100_000
GARBAGE = ["", " ", "x", "null", "[]", "1", '"a"', '{"a":', DEEP, "{\n}", '{"text":1}', "\ud800"]
NAMES = [
    *("text", "transcript", "inputs", "metadata", "duration", "results", "channels", "type"),
    *("detail", "loc", "msg", "audio_duration_secs", "status_code", "error", "model_id"),
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(NAMES), inner),
)
OBJECTS = st.dictionaries(st.sampled_from(NAMES), VALUES)
TEXTS = st.text() | VALUES.map(json.dumps) | OBJECTS.map(json.dumps)
COUNTS = [("17", 17), ("0", 0), ("1000000000000", 10**12)]
NO_COUNTS = ["", "x", "-1", "1.5", "1e3", "true", '"1"', "[1]", "1000000000001", "9" * 5000, "²"]
every_dialect = pytest.mark.parametrize(
    "dialect", [ELEVENLABS, CARTESIA, DEEPGRAM], ids=["elevenlabs", "cartesia", "deepgram"]
)


def beside(dialect: Dialect, path: str, body: object, **headers: str) -> Usage:
    assert dialect.beside
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return dialect.beside(dialect.ask(path, json.dumps(body), ""), named)


@pytest.mark.parametrize(("told", "characters"), COUNTS)
def test_the_count_of_the_vendor_goes_before_ours(told: str, characters: int) -> None:
    body = {"text": "Hello"}

    spoken = beside(ELEVENLABS, "v1/text-to-speech/a", body, character_cost=told)
    assert spoken == Usage(characters=characters)
    assert beside(DEEPGRAM, "v1/speak", body, dg_char_count=told) == Usage(characters=characters)


@pytest.mark.parametrize("told", NO_COUNTS)
def test_what_is_no_count_is_counted_here(told: str) -> None:
    body = {"text": "Hello"}

    spoken = beside(ELEVENLABS, "v1/text-to-speech/a", body, character_cost=told)
    assert spoken == Usage(characters=5)
    assert beside(DEEPGRAM, "v1/speak", body, dg_char_count=told) == Usage(characters=5)


@pytest.mark.parametrize(
    ("text", "characters"), [("", 0), ("a\nb", 3), ("Grüße", 5), ("👩‍👧", 3), ("日本語", 3)]
)
def test_characters_are_code_points(text: str, characters: int) -> None:
    expected = Usage(characters=characters)

    assert beside(ELEVENLABS, "v1/text-to-speech/a", {"text": text}) == expected
    assert beside(DEEPGRAM, "v1/speak", {"text": text}) == expected
    assert beside(CARTESIA, "tts/bytes", {"transcript": text}) == expected


def test_a_request_whose_body_is_not_held_leaves_the_characters_unknown() -> None:
    for dialect in (ELEVENLABS, CARTESIA, DEEPGRAM):
        assert dialect.beside
        assert dialect.beside(Ask(model_type=SPEAKS), {}) == UNKNOWN


def test_only_what_is_spoken_is_counted() -> None:
    text = {"text": "Hello", "transcript": "Hello"}

    for path in ("v1/speech-to-text", "v1/sound-generation", "v1/voices"):
        assert beside(ELEVENLABS, path, text) == UNKNOWN
    for path in ("v1/listen", "v1/read"):
        assert beside(DEEPGRAM, path, text, dg_char_count="5") == UNKNOWN
    for path in ("stt", "voice-changer/bytes"):
        assert beside(CARTESIA, path, text) == UNKNOWN


def test_elevenlabs_does_not_bill_a_transcript_twice() -> None:
    assert beside(ELEVENLABS, "v1/speech-to-text", {}, character_cost="300") == UNKNOWN
    assert beside(ELEVENLABS, "v1/music", {}, character_cost="300") == Usage(characters=300)


@every_dialect
@pytest.mark.parametrize("body", [*GARBAGE, '{"text":null,"transcript":null}', '{"inputs":[1]}'])
def test_a_request_that_says_nothing_keeps_its_text(dialect: Dialect, body: str) -> None:
    for path in ("v1/text-to-speech/a", "tts/bytes", "v1/speak"):
        asked = dialect.ask(path, body, "")

        assert (asked.model, asked.text) == (None, body)
        assert dialect.beside
        assert dialect.beside(asked, {}) == UNKNOWN


@pytest.mark.parametrize("seconds", [None, "1", True, -1, -0.5, [], {}, 10**400, float("nan")])
def test_what_is_no_time_is_unknown(seconds: object) -> None:
    deepgram = json.dumps({"metadata": {"duration": seconds}, "results": {"channels": [{}]}})

    assert ELEVENLABS.report(json.dumps({"audio_duration_secs": seconds})) == Report()
    assert CARTESIA.report(json.dumps({"text": "a", "duration": seconds})) == Report()
    assert DEEPGRAM.report(deepgram) == Report()


@every_dialect
@pytest.mark.parametrize("text", GARBAGE)
def test_an_answer_that_cannot_be_read_says_nothing(dialect: Dialect, text: str) -> None:
    assert dialect.report(text) == Report()
    assert dialect.hidden(text) is None


@pytest.mark.parametrize("dialect", [ELEVENLABS, DEEPGRAM])
def test_a_stream_without_a_known_end_is_not_called_broken(dialect: Dialect) -> None:
    assert dialect.stream_report('{"audio_base64":"SUQz"}\n{"audio_ba') == Report()


@every_dialect
@pytest.mark.parametrize(
    "body", ["", " ", "[]", '"a"', '{"a":', "<p>", DEEP, '{"detail":[],"message":{},"err_msg":1}']
)
def test_an_error_that_says_nothing_is_told_by_its_status(dialect: Dialect, body: str) -> None:
    told = [dialect.failure(status, body, {}) for status in (402, 429, 500)]

    assert told == [
        Failure(None, None, False),
        Failure(None, None, True),
        Failure(None, None, True),
    ]


@every_dialect
@given(path=st.text(), body=st.none() | TEXTS, query=st.text(), header=st.text())
def test_any_request_can_be_asked(
    dialect: Dialect, path: str, body: str | None, query: str, header: str
) -> None:
    assert dialect.ask(path, body, query).text == body
    assert dialect.beside
    for task in (None, SPEAKS, LISTENS):
        dialect.beside(Ask(None, task, False, body), {"character-cost": header})


@every_dialect
@given(text=TEXTS, event=TEXTS)
def test_anything_makes_a_report_and_a_failure(dialect: Dialect, text: str, event: str) -> None:
    dialect.report(text)
    dialect.stream_report(f"data: {text}\n\ndata: {event}\n\n")
    dialect.hidden(f"data: {event}\n\n")
    dialect.hidden(text)
    assert dialect.failure(503, text, {}).retryable
