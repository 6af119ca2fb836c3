"""ElevenLabs: what its fixtures do not show."""

import json

import pytest

from call import Ask, Failure
from dialects.elevenlabs import ELEVENLABS

SPEAKS, LISTENS = "text-to-speech", "automatic-speech-recognition"


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
