"""Deepgram: what its fixtures do not show."""

import pytest

from call import Ask, Report, Usage
from dialects.deepgram import DEEPGRAM

SPEAKS, LISTENS = "text-to-speech", "automatic-speech-recognition"


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
