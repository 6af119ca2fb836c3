"""What is kept of an answer that has ended, and what is not."""

import pytest

from call import Failure, Reply, Report
from fakes import NOW
from kept.reply import head
from ports import Ending

WHOLE = Ending("complete", '{"a":1}', 7)


def test_a_whole_answer_is_kept_for_as_long_as_was_asked() -> None:
    about = head(Reply(200, {"content-type": "application/json", "x-id": "1"}), WHOLE, NOW, 60)

    assert about is not None
    assert (about.status, about.headers, about.size) == (
        200,
        {"content-type": "application/json"},
        7,
    )
    assert about.expires - about.stored == 60_000


@pytest.mark.parametrize(
    "kind", ["text/event-stream", "Text/Event-Stream", "application/vnd.amazon.eventstream"]
)
def test_a_stream_of_which_nobody_read_the_end_is_not_kept(kind: str) -> None:
    unread = Ending("complete", None, 20_000_000)

    assert head(Reply(200, {"content-type": kind}), unread, NOW, 60) is None
    assert head(Reply(200, {"content-type": "audio/mpeg"}), unread, NOW, 60) is not None


def test_an_error_in_the_clothes_of_a_success_is_not_kept() -> None:
    told = Failure("overloaded", "Busy", retryable=True)
    reply = Reply(200, {}, report=lambda _ending: Report(), failure=lambda _text: told)

    assert head(reply, WHOLE, NOW, 60) is None
