"""Messages whose conversation was summarised on the way: what that used is in no other count."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call import Usage
from dialects.messages import report, stream_report

MESSAGE = {"type": "message", "input_tokens": 23_000, "output_tokens": 1_000}
COMPACTION = {"type": "compaction", "input_tokens": 180_000, "output_tokens": 3_500}
TOP = {"input_tokens": 23_000, "output_tokens": 1_000}
ALL = Usage(tokens_in=203_000, tokens_out=4_500)


def whole(**usage: Any) -> Usage:
    return report(json.dumps({"type": "message", "model": "m", "usage": usage})).usage


def streamed(first: dict[str, Any], last: dict[str, Any]) -> Usage:
    start = {"type": "message_start", "message": {"model": "m", "usage": first}}
    end = {"type": "message_delta", "delta": {}, "usage": last}
    return stream_report(f"data: {json.dumps(start)}\n\ndata: {json.dumps(end)}\n\n").usage


def test_what_a_compaction_used_is_added() -> None:
    assert whole(**TOP, iterations=[COMPACTION, MESSAGE]) == ALL
    assert whole(**TOP, iterations=[COMPACTION, MESSAGE, COMPACTION]) == Usage(383_000, 8_000)


def test_a_compaction_alone_is_all_that_was_used() -> None:
    top = {"input_tokens": 0, "output_tokens": 0}

    assert whole(**top, iterations=[COMPACTION]) == Usage(180_000, 3_500)


def test_a_compaction_may_read_and_write_the_cache() -> None:
    cache = {
        "cache_read_input_tokens": 7,
        "cache_creation_input_tokens": 5,
        "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 2},
    }

    usage = whole(**TOP, **cache, iterations=[COMPACTION | cache, MESSAGE | cache])

    assert usage == Usage(203_024, 4_500, cached=14, cache_write=10, cache_write_1h=4)


@pytest.mark.parametrize("kind", ["message", "advisor_message", "fallback_message", "new", None])
def test_other_iterations_are_in_the_counts_of_the_whole_or_of_another_model(kind: Any) -> None:
    assert whole(**TOP, iterations=[COMPACTION | {"type": kind}]) == Usage(23_000, 1_000)


def test_a_stream_tells_of_a_compaction_last() -> None:
    last = {"output_tokens": 1_000, "iterations": [COMPACTION, MESSAGE]}

    assert streamed({"input_tokens": 23_000, "output_tokens": 1}, last) == ALL


@pytest.mark.parametrize("iterations", [None, [], {}, 1, "compaction", [None, 1, []]])
def test_what_is_no_list_of_iterations_adds_nothing(iterations: Any) -> None:
    assert whole(**TOP, iterations=iterations) == Usage(23_000, 1_000)


@given(st.lists(st.fixed_dictionaries({"type": st.just("compaction"), "input_tokens": st.text()})))
def test_what_cannot_be_counted_adds_nothing(iterations: list[dict[str, Any]]) -> None:
    assert whole(**TOP, iterations=iterations) == Usage(23_000, 1_000)
