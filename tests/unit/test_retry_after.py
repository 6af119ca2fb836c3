"""How long a provider asks to be left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import NOW
from retry_after import retry_after


@pytest.mark.parametrize(
    ("headers", "waited"),
    [
        ({}, 0),
        ({"retry-after": ""}, 0),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "7"}, 7_000),
        ({"retry-after": "0.25"}, 250),
        ({"retry-after": "1.5"}, 1_500),
        ({"retry-after-ms": "1500"}, 1_500),
        ({"retry-after-ms": "12.5"}, 12.5),
        ({"retry-after-ms": "100", "retry-after": "7"}, 100),
        ({"retry-after-ms": "soon", "retry-after": "7"}, 7_000),
        # 15 June 2025, 15:06:40 UTC is now.
        ({"retry-after": "Sun, 15 Jun 2025 15:06:43 GMT"}, 3_000),
        ({"retry-after": "Sun, 15 Jun 2025 17:06:43 +0200"}, 3_000),
        ({"retry-after": "Sunday, 15-Jun-25 15:06:43 GMT"}, 3_000),
        ({"retry-after": "Sun, 15 Jun 2025 15:06:30 GMT"}, 0),
    ],
)
def test_a_wait_is_read_in_all_forms_that_vendors_use(
    headers: dict[str, str], waited: float
) -> None:
    assert retry_after(headers, NOW) == waited


@pytest.mark.parametrize(
    "value",
    [
        "soon",
        "-1",
        "+1",
        "1e3",
        "nan",
        "inf",
        "1.",
        ".5",
        "1.2.3",
        "1,5",
        "0x10",
        " ",
        "٣",
        "½",
        "1 s",
    ],
)
def test_what_is_no_wait_is_none(value: str) -> None:
    assert retry_after({"retry-after": value}, NOW) == 0
    assert retry_after({"retry-after-ms": value}, NOW) == 0


@given(st.text() | st.from_regex(r"\A[0-9A-Za-z,:+\-. ]*\Z"))
def test_whatever_a_provider_says_is_a_wait_that_is_not_negative(value: str) -> None:
    for name in ("retry-after", "retry-after-ms"):
        assert retry_after({name: value}, NOW) >= 0


@pytest.mark.parametrize("year", ["0001", "1900", "9999", "99999", "0"])
@pytest.mark.parametrize("zone", ["GMT", "-0000", "+2359", "-2359", "+9999", ""])
def test_no_date_is_too_far_away_to_be_read(year: str, zone: str) -> None:
    assert retry_after({"retry-after": f"Sun, 31 Dec {year} 23:59:59 {zone}"}, NOW) >= 0
