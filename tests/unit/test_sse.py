import pytest
from hypothesis import given
from hypothesis import strategies as st

import sse


@pytest.mark.parametrize(
    ("text", "events"),
    [
        ("", []),
        ("\n\n\n\n", []),
        ("data: a\n\ndata: b\n\n", ["b", "a"]),
        ("data: a\r\n\r\ndata: b\r\n\r\n", ["b", "a"]),
        ("data: a\r\rdata: b\r\r", ["b", "a"]),
        ("data: a\r\n\ndata: b\n\r\n", ["b", "a"]),
        ("data: a\n\n\n\n\ndata: b\n\n\n", ["b", "a"]),
        ("data: a\ndata: b\n\n", ["a\nb"]),
        ("data:a\n\ndata:  b\n\n", [" b", "a"]),
        ("data:\n\n", [""]),
        (": ping\n\ndata: a\n\n: pong\n\n", ["a"]),
        (": ping\ndata: a\n\n", ["a"]),
        ("event: end\nid: 7\ndata: a\nretry: 5\n\n", ["a"]),
        ("event: end\n\n", []),
        ("database: a\n\n", []),
    ],
)
def test_events_come_last_first(text: str, events: list[str]) -> None:
    assert list(sse.backwards(text)) == events


@pytest.mark.parametrize("tail", ["data: b", "data: b\n", "event: x\ndata: b"])
def test_an_event_that_was_cut_is_an_event(tail: str) -> None:
    assert list(sse.backwards("data: a\n\n" + tail)) == ["b", "a"]


def test_the_last_event_costs_no_look_at_the_others() -> None:
    events = sse.backwards("data: a\n\n" * 100_000 + "data: b\n\n")

    assert next(events) == "b"


@given(
    st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]))),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_what_was_sent_in_order_is_read_in_reverse(events: list[str], newline: str) -> None:
    text = "".join(f"data: {event}{newline}{newline}" for event in events)

    assert list(sse.backwards(text)) == events[::-1]


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    assert all(isinstance(event, str) for event in sse.backwards(text))
