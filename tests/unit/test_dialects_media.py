"""Fal, Ideogram, Replicate and Parallel: what holds for each of them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call import Report
from dialects.fal import FAL
from dialects.ideogram import IDEOGRAM
from dialects.parallel import PARALLEL
from dialects.replicate import REPLICATE

ALL = {"fal": FAL, "ideogram": IDEOGRAM, "replicate": REPLICATE, "parallel": PARALLEL}
every = pytest.mark.parametrize("dialect", ALL.values(), ids=ALL)
DEEP = "[" * 100_000
HUGE = "9" * 4000
NAMES = st.sampled_from(
    [
        *("images", "image", "error", "error_type", "detail", "msg", "loc", "type", "object"),
        *("data", "status", "failure_reason", "usage_cost_usd_micros", "image_request", "model"),
        *("metrics", "predict_time", "image_count", "version", "input", "max_tokens", "title"),
        *("run", "is_active", "processor", "search_id", "results", "usage", "name", "count"),
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner),
)
TEXTS = st.text() | VALUES.map(json.dumps) | st.dictionaries(NAMES, VALUES).map(json.dumps)


@every
@given(path=st.text(), body=st.none() | TEXTS)
def test_any_request_can_be_asked(dialect: Any, path: str, body: str | None) -> None:
    assert dialect.ask(path, body, "").text == body


@every
@given(text=TEXTS, status=st.integers(400, 599))
def test_anything_makes_a_report_and_a_failure(dialect: Any, text: str, status: int) -> None:
    dialect.report(text)
    dialect.hidden(text)
    dialect.hidden(f"data: {text}\n\n")
    dialect.stream_report(f"data: {text}\n\n")
    dialect.failure(status, text, {})


@every
@pytest.mark.parametrize("text", [DEEP, f'{{"images":{HUGE}}}', f'{{"data":[{HUGE}]}}', "NaN"])
def test_hostile_json_is_read_as_nothing(dialect: Any, text: str) -> None:
    assert dialect.report(text).model is None
    assert dialect.failure(503, text, {}).retryable
    assert dialect.ask("", text, "").model is None


@pytest.mark.parametrize("dialect", [REPLICATE, IDEOGRAM])
def test_a_vendor_without_streams_has_no_whole_one(dialect: Any) -> None:
    assert dialect.stream_report("event: done\ndata: {}\n\n") == Report(complete=False)
