import re
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialects import sse


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


# As they come


def as_they_come(*texts: str) -> list[list[str]]:
    """Return the events that each text makes whole, and those of the end."""
    events = sse.Events()
    return [*(events.more(text) for text in texts), events.end()]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_an_event_is_told_with_the_blank_line_that_ends_it(newline: str) -> None:
    lines = [f"event: x{newline}", f"data: a{newline}", newline, f"data: b{newline}{newline}"]

    assert as_they_come(*lines) == [[], [], ["a"], ["b"], []]


@pytest.mark.parametrize(
    ("texts", "events"),
    [
        (["data: a\r", "\ndata: b\r", "\n\r\n"], [[], [], ["a\nb"], []]),
        (["data: a\r\n\r", "\n", "data: b\r\n\r", "\n"], [["a"], [], ["b"], [], []]),
        (["data: a\r", "\rdata: b\r", "\r"], [[], ["a"], ["b"], []]),
        (["data: a\n", "\r", "\ndata: b\n\n"], [[], ["a"], ["b"], []]),
    ],
)
def test_a_line_end_that_is_cut_in_two_is_one(texts: list[str], events: list[list[str]]) -> None:
    assert as_they_come(*texts) == events


@pytest.mark.parametrize("tail", ["data: b", "data: b\n", "data: b\r", "event: x\r\ndata: b"])
def test_the_end_of_a_stream_ends_its_last_event(tail: str) -> None:
    assert as_they_come("data: a\n\n", tail) == [["a"], [], ["b"]]


@pytest.mark.parametrize("tail", ["", "\n", "\r", ": ping", "event: x", "database: a"])
def test_an_end_without_data_is_no_event(tail: str) -> None:
    assert as_they_come("data: a\n\n", tail) == [["a"], [], []]


def told(text: str) -> list[str]:
    """Read a stream line by line, as the standard describes it, but for its end."""
    events, data = list[str](), list[str]()
    for line in [*re.split("\r\n|\n|\r", text), ""]:
        if line.startswith("data:"):
            data.append(line.removeprefix("data:").removeprefix(" "))
        elif not line and data:
            events.append("\n".join(data))
            data = []
    return events


PIECES = st.sampled_from(
    ["data:", "data: ", "a", " ", ":", "id: 1", "\n", "\r", "\r\n", "data: b\r\r"]
)


@given(st.lists(st.lists(PIECES).map("".join)))
def test_a_stream_is_the_same_wherever_it_is_cut(texts: list[str]) -> None:
    text = "".join(texts)

    assert list(chain.from_iterable(as_they_come(*texts))) == told(text)
    assert list(sse.backwards(text))[::-1] == told(text)


def test_a_long_event_may_come_in_many_pieces() -> None:
    events, piece = sse.Events(), "a" * 100
    events.more("data: ")

    assert [events.more(piece) for _ in range(10_000)] == [[]] * 10_000

    assert events.more("\n\n") == [piece * 10_000]
