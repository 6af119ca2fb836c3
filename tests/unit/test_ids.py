import uuid

from hypothesis import given
from hypothesis import strategies as st

from ids import uuid7


@given(st.floats(min_value=0, max_value=2**48 - 1))
def test_an_id_is_a_uuid_of_version_7_that_holds_its_time(now: float) -> None:
    text = uuid7(now)

    parsed = uuid.UUID(text)
    assert str(parsed) == text
    assert parsed.version == 7
    assert parsed.variant == uuid.RFC_4122
    # Up to a second ahead: ids never go back, even where a clock does a little.
    assert 0 <= (parsed.int >> 80) - int(now) <= 1_000


def test_the_order_of_ids_is_the_order_of_time() -> None:
    ids = [uuid7(now) for now in range(0, 2**40, 2**30 + 7)]

    assert ids == sorted(ids)


def test_ids_of_one_millisecond_are_in_order_and_differ() -> None:
    ids = [uuid7(1.0) for _ in range(10_000)]

    assert sorted(set(ids)) == ids


def test_a_clock_that_was_set_back_is_believed() -> None:
    uuid7(2_000_000)

    assert uuid.UUID(uuid7(1.0)).int >> 80 == 1


def test_all_other_bits_are_random() -> None:
    numbers = [uuid.UUID(uuid7(10_000_000 * count)).int for count in range(500)]
    ever_set = ever_clear = 0

    for number in numbers:
        ever_set |= number
        ever_clear |= ~number

    assert f"{ever_set & ever_clear & (2**80 - 1):020x}" == "03ff3fffffffffffffff"
