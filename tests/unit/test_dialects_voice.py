"""The three vendors of voices: what their fixtures in tests/providers do not show."""

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
COUNTS = [("17", 17), ("0", 0), ("9007199254740991", 9007199254740991)]
NO_COUNTS = ["", "x", "-1", "1.5", "1e3", "true", '"1"', "[1]", "9007199254740992", "9" * 5000, "²"]

every_dialect = pytest.mark.parametrize(
    "dialect", [ELEVENLABS, CARTESIA, DEEPGRAM], ids=["elevenlabs", "cartesia", "deepgram"]
)


def beside(dialect: Dialect, path: str, body: object, **headers: str) -> Usage:
    assert dialect.beside
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return dialect.beside(dialect.ask(path, json.dumps(body), ""), named)


def events(*payloads: dict[str, object]) -> str:
    return "".join(f"event: {p['type']}\ndata: {json.dumps(p)}\n\n" for p in payloads)


CHUNK: dict[str, object] = {"type": "chunk", "data": "AAAA", "done": False, "status_code": 206}
DONE: dict[str, object] = {"type": "done", "done": True}
BROKEN: dict[str, object] = {"type": "error", "done": True, "status_code": 500, "title": "Oh no"}


@pytest.mark.parametrize(
    ("path", "model_type", "stream"),
    [
        ("v1/text-to-speech/abc", SPEAKS, False),
        ("v1/text-to-speech/abc/with-timestamps", SPEAKS, False),
        ("v1/text-to-speech/abc/stream", SPEAKS, True),
        ("v1/text-to-speech/abc/stream/with-timestamps", SPEAKS, True),
        ("v1/text-to-dialogue", SPEAKS, False),
        ("v1/text-to-dialogue/stream", SPEAKS, True),
        ("v1/text-to-dialogue/stream/with-timestamps", SPEAKS, True),
        ("v1/speech-to-text", LISTENS, False),
        ("v1/speech-to-speech/abc/stream", None, True),
        ("v1/music/stream", None, True),
        ("v1/sound-generation", None, False),
        ("v1/history/abc/streams", None, False),
        ("v1/voices", None, False),
        ("text-to-speech/abc/stream", None, False),
        ("stream", None, False),
        ("", None, False),
    ],
)
def test_elevenlabs_tells_task_and_stream_by_the_path(
    path: str, model_type: str | None, stream: bool
) -> None:
    assert ELEVENLABS.ask(path, None, "") == Ask(None, model_type, stream)
    # What the body says of streams is no word of this vendor.
    assert ELEVENLABS.ask(path, '{"stream":true}', "").stream is stream


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


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("v1/listen", "model=nova-3", Ask("nova-3", LISTENS)),
        ("v2/listen", "encoding=linear16&model=flux-general-en", Ask("flux-general-en", LISTENS)),
        ("v1/listen", "model=a&model=b", Ask("a", LISTENS)),
        ("v1/listen", "model=general%3Aphonecall", Ask("general:phonecall", LISTENS)),
        ("v1/listen", "keyterm=model%3Dx&model=", Ask(None, LISTENS)),
        ("v1/speak", "", Ask(None, SPEAKS)),
        ("v1/read", "language=en", Ask()),
        ("v1/projects/listen", "", Ask()),
        ("listen", "model=%ff%", Ask("\ufffd%")),
        ("", "&&=&model", Ask()),
    ],
)
def test_deepgram_tells_the_model_in_the_query(path: str, query: str, expected: Ask) -> None:
    assert DEEPGRAM.ask(path, None, query) == expected


def test_deepgram_writes_down_what_a_url_leads_to() -> None:
    body = '{"url":"https://example.com/a.wav","model":"x"}'

    assert DEEPGRAM.ask("v1/listen", body, "") == Ask(None, LISTENS, False, body)


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


def test_cartesia_tells_the_time_of_transcripts_alone() -> None:
    assert CARTESIA.report('{"duration":3}') == Report()
    assert CARTESIA.report('{"text":"","duration":0}') == Report(usage=Usage(audio_seconds=0))


@pytest.mark.parametrize(
    ("metadata", "results", "seconds"),
    [
        ('{"duration":2.5,"channels":2}', '{"channels":[{}]}', 2.5),
        ('{"duration":2.5,"channels":3}', '{"channels":[{},{},{}]}', 7.5),
        ('{"duration":2.5}', '{"channels":[]}', 2.5),
        ('{"duration":2.5}', "{}", 2.5),
        ('{"duration":0}', '{"channels":[{}]}', 0),
        ('{"duration":2.5}', '{"channels":2}', None),
        ('{"duration":2.5}', "[]", None),
        ("{}", '{"channels":[{}]}', None),
        ("[]", '{"channels":[{}]}', None),
    ],
)
def test_deepgram_bills_each_channel_that_it_wrote_down(
    metadata: str, results: str, seconds: float | None
) -> None:
    text = f'{{"metadata":{metadata},"results":{results}}}'

    assert DEEPGRAM.report(text) == Report(usage=Usage(audio_seconds=seconds))


@every_dialect
@pytest.mark.parametrize("text", GARBAGE)
def test_an_answer_that_cannot_be_read_says_nothing(dialect: Dialect, text: str) -> None:
    assert dialect.report(text) == Report()
    assert dialect.hidden(text) is None


@pytest.mark.parametrize("dialect", [ELEVENLABS, DEEPGRAM])
def test_a_stream_without_a_known_end_is_not_called_broken(dialect: Dialect) -> None:
    assert dialect.stream_report('{"audio_base64":"SUQz"}\n{"audio_ba') == Report()


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


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        ({"code": "quota_exceeded", "message": "a"}, Failure("quota_exceeded", "a", False)),
        ({"code": "b", "status": "quota_exceeded"}, Failure("b", None, False)),
        ({"type": "rate_limit_error"}, Failure("rate_limit_error", None, True)),
        ([{"msg": "a"}], Failure(None, "a", True)),
        ([{"loc": [1, "b"], "msg": "a"}], Failure(None, "1.b: a", True)),
        ([{"loc": ["b"]}], Failure(None, None, True)),
        (["a"], Failure(None, None, True)),
        ("a", Failure(None, "a", True)),
        (None, Failure(None, None, True)),
    ],
)
def test_elevenlabs_tells_what_is_wrong_in_several_shapes(
    detail: object, expected: Failure
) -> None:
    assert ELEVENLABS.failure(429, json.dumps({"detail": detail}), {}) == expected


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
