import json
from binascii import b2a_base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call import Usage
from costs.estimates import estimated

CHAT = 'data: {"choices":[{"delta":{"content":"%s"}}]}\n\n'


def out(answered: str) -> int | None:
    return estimated(Usage(), None, answered).tokens_out


@pytest.mark.parametrize(
    ("answered", "tokens"),
    [
        (CHAT % "12345678", 2),
        (CHAT % "1234" + CHAT % "5678", 2),
        (CHAT % "123456789", 3),
        # What JSON escapes is one character.
        (CHAT % r"\u00e9\n\"\\", 1),
        (CHAT % "1234" + 'data: {"choices":[{"delta":{"content":"5678', 2),
        ('data: {"type":"content_block_delta","delta":{"type":"text_delta","text":"1234"}}\n\n', 1),
        ('data: {"delta":{"type":"input_json_delta","partial_json":"{\\"a\\":12"}}\n\n', 2),
        ('data: {"choices":[{"delta":{"reasoning_content":"1234"}}]}\n\n', 1),
        ('data: {"response":"1234","p":"abc"}\n\n', 1),
        ('data: {"type":"ping"}\n\ndata: {"id":"12345678","model":"12345678"}\n\n', None),
        ("", None),
    ],
)
def test_what_was_said_is_counted_and_nothing_else(answered: str, tokens: int | None) -> None:
    assert out(answered) == tokens


def test_what_a_stream_tells_again_at_its_end_is_counted_once() -> None:
    delta = 'data: {"type":"response.output_text.delta","delta":"12345678"}\n\n'
    done = 'data: {"type":"response.output_text.done","text":"12345678"}\n\n'
    created = 'data: {"type":"response.created","response":{"instructions":"Be kind"}}\n\n'

    assert out(created + delta + done) == 2


def test_packed_events_are_unpacked() -> None:
    event = b2a_base64(b'{"delta":{"text":"12345678"}}', newline=False).decode()

    assert out(f'event: chunk\ndata: {{"bytes":"{event}"}}\n\n') == 2
    assert out('event: chunk\ndata: {"bytes":"abcde"}\n\n') is None


def test_the_prompt_is_counted_as_the_answer_is() -> None:
    asked = json.dumps(
        {
            "model": "12345678",
            "system": "1234",
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "1234"}]},
                {"role": "user", "content": [{"type": "image", "source": {"data": "x" * 999}}]},
            ],
        }
    )

    assert estimated(Usage(), asked, CHAT % "1234") == Usage(2, 1)


def test_what_was_counted_stays() -> None:
    assert estimated(Usage(tokens_in=7, cached=3), '{"prompt":"1234"}', CHAT % "1234") == Usage(
        7, 1, cached=3
    )
    assert estimated(Usage(7, 9), None, CHAT % "1234") == Usage(7, 9)
    assert estimated(Usage(tokens_in=7), None, "") == Usage(7, 0)


@given(st.text())
def test_a_text_is_a_quarter_of_its_characters_in_tokens(text: str) -> None:
    answered = (
        f"data: {json.dumps({'choices': [{'delta': {'content': text}}]}, ensure_ascii=False)}"
    )

    assert out(answered) == (-(-len(text) // 4) or None)


@given(st.text(), st.text())
def test_no_text_raises(asked: str, answered: str) -> None:
    assert (estimated(Usage(), asked, answered).tokens_out or 0) >= 0
