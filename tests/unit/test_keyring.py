"""Which of a gateway's stored keys a request gets."""

import itertools
from collections.abc import Sequence

import pytest

from errors import UnknownAlias
from fakes import FakeClock
from keys.keyring import MEMORY, REST_MS, Keyring
from snapshot import Gateway, StoredKey


def key(
    name: str, alias: str = "default", slug: str = "openai", *, default: bool = False
) -> StoredKey:
    return StoredKey(name, slug, alias, default, f"sealed-{name}")


def a_gateway(*keys: StoredKey, internal_id: int = 1) -> Gateway:
    return Gateway(internal_id, "acme", "main", authentication=False, collect_logs=True, keys=keys)


def turns(ring: Keyring, gateway: Gateway, count: int, alias: str | None = None) -> Sequence[str]:
    chosen = [ring.choose(gateway, "openai", alias) for _ in range(count)]
    return [one.id for one in chosen if one]


A, B, C = key("a"), key("b"), key("c")
THREE = a_gateway(A, B, C)


def test_a_gateway_without_a_key_has_none() -> None:
    assert Keyring(FakeClock()).choose(a_gateway(), "openai", None) is None


def test_the_key_of_another_provider_is_none() -> None:
    assert Keyring(FakeClock()).choose(a_gateway(key("a", slug="groq")), "openai", None) is None


def test_a_single_key_is_used_whatever_was_said_of_it() -> None:
    ring = Keyring(FakeClock())
    ring.rest(A, 0)

    assert turns(ring, a_gateway(A), 3) == ["a", "a", "a"]


def test_keys_are_used_in_turn() -> None:
    assert turns(Keyring(FakeClock()), THREE, 7) == ["a", "b", "c", "a", "b", "c", "a"]


def test_each_alias_has_turns_of_its_own() -> None:
    gateway = a_gateway(key("a", "x"), key("b", "x"), key("c", "y"), key("d", "y"))
    ring = Keyring(FakeClock())

    chosen = [ring.choose(gateway, "openai", alias) for alias in ("x", "y", "x", "y")]

    assert [one.id for one in chosen if one] == ["a", "c", "b", "d"]


def test_each_gateway_and_each_provider_has_turns_of_its_own() -> None:
    keys = (A, B, key("c", slug="groq"), key("d", slug="groq"))
    one, other = a_gateway(*keys), a_gateway(*keys, internal_id=2)
    ring = Keyring(FakeClock())

    chosen = [
        ring.choose(gateway, slug, None)
        for gateway, slug in itertools.product((one, other), ("openai", "groq"))
    ]

    assert [key.id for key in chosen if key] == ["a", "c", "a", "c"]


def test_without_an_alias_the_default_one_and_keys_marked_as_default_are_used() -> None:
    gateway = a_gateway(key("a"), key("b", "team"), key("c", "prod", default=True))

    assert set(turns(Keyring(FakeClock()), gateway, 4)) == {"a", "c"}


def test_with_an_alias_its_keys_alone_are_used() -> None:
    gateway = a_gateway(key("a"), key("b", "team"), key("c", "team", default=True))

    assert set(turns(Keyring(FakeClock()), gateway, 4, "team")) == {"b", "c"}


def test_without_an_alias_a_key_of_another_alias_is_not_used() -> None:
    assert Keyring(FakeClock()).choose(a_gateway(key("a", "team")), "openai", None) is None


@pytest.mark.parametrize(
    ("keys", "known"),
    [
        ((), "Configured aliases: none"),
        ((key("a"),), "Configured aliases: default"),
        ((key("a", "z"), key("b", "b"), key("c", "z")), "Configured aliases: b, z"),
        ((key("a", "nobody", slug="groq"),), "Configured aliases: none"),
    ],
)
def test_an_unknown_alias_is_refused_with_the_known_ones(
    keys: tuple[StoredKey, ...], known: str
) -> None:
    with pytest.raises(UnknownAlias) as refused:
        Keyring(FakeClock()).choose(a_gateway(*keys), "openai", "nobody")

    assert refused.value.message == (
        f"Provider 'openai' has no BYOK credential named 'nobody'. {known}"
    )
    assert (refused.value.status, refused.value.code) == (400, 2040)


def test_a_key_that_rests_is_passed_over() -> None:
    ring = Keyring(FakeClock())
    ring.rest(B, 0)

    assert turns(ring, THREE, 4) == ["a", "c", "c", "a"]


def test_a_key_rests_as_long_as_the_provider_said() -> None:
    clock = FakeClock()
    ring = Keyring(clock)
    ring.rest(A, 5_000)
    ring.rest(B, 5_000)

    clock.now += 4_999
    before = turns(ring, THREE, 3)
    clock.now += 1
    after = turns(ring, THREE, 3)

    assert (set(before), set(after)) == ({"c"}, {"a", "b", "c"})


def test_a_key_rests_a_minute_where_the_provider_did_not_say() -> None:
    clock = FakeClock()
    ring = Keyring(clock)
    ring.rest(A, 0)
    assert REST_MS == 60_000

    clock.now += 59_999
    before = turns(ring, a_gateway(A, B), 4)
    clock.now += 1
    after = turns(ring, a_gateway(A, B), 4)

    assert (set(before), set(after)) == ({"b"}, {"a", "b"})


def test_a_key_that_was_exchanged_for_another_does_not_rest() -> None:
    ring = Keyring(FakeClock())
    ring.rest(A, 0)
    exchanged = StoredKey("a", "openai", "default", default=False, sealed="another")

    assert set(turns(ring, a_gateway(exchanged, B), 4)) == {"a", "b"}


@pytest.mark.parametrize("first", ["a", "b", "c"])
def test_when_all_rest_the_one_that_wakes_first_is_used(first: str) -> None:
    ring = Keyring(FakeClock())
    for one in (A, B, C):
        ring.rest(one, 1_000 if one.id == first else 2_000)

    assert turns(ring, THREE, 3) == [first] * 3


def test_a_key_that_rests_in_one_alias_rests_in_all() -> None:
    shared = key("a", "team", default=True)
    gateway = a_gateway(shared, B, key("c", "team"))
    ring = Keyring(FakeClock())
    ring.rest(shared, 0)

    assert set(turns(ring, gateway, 3)) == {"b"}
    assert set(turns(ring, gateway, 3, "team")) == {"c"}


@pytest.mark.parametrize(
    ("keys", "resting", "spare"),
    [
        ((A,), (A,), False),
        ((A, B), (A,), True),
        ((A, B), (A, B), False),
        ((A, B, C), (A, B), True),
        ((A, key("b", "team")), (A,), False),
        ((A, key("b", slug="groq")), (A,), False),
    ],
)
def test_a_spare_key_is_another_one_of_the_alias_that_is_awake(
    keys: tuple[StoredKey, ...], resting: tuple[StoredKey, ...], spare: bool
) -> None:
    ring = Keyring(FakeClock())
    for one in resting:
        ring.rest(one, 0)

    assert ring.spare(a_gateway(*keys), A, None) is spare


def test_a_key_that_has_woken_is_a_spare_one() -> None:
    clock = FakeClock()
    ring = Keyring(clock)
    ring.rest(B, 1_000)
    assert not ring.spare(a_gateway(A, B), A, None)

    clock.now += 1_000

    assert ring.spare(a_gateway(A, B), A, None)


def test_what_is_remembered_of_rests_is_bounded() -> None:
    ring = Keyring(FakeClock())
    ring.rest(A, 0)
    for number in range(MEMORY - 1):
        ring.rest(key(f"other-{number}"), 0)
    assert set(turns(ring, a_gateway(A, B), 3)) == {"b"}

    ring.rest(key("one more"), 0)

    assert set(turns(ring, a_gateway(A, B), 3)) == {"a", "b"}


def test_what_is_remembered_of_turns_is_bounded() -> None:
    ring = Keyring(FakeClock())
    two = a_gateway(A, B)
    assert turns(ring, two, 1) == ["a"]
    for number in range(2, MEMORY + 1):
        ring.choose(a_gateway(A, B, internal_id=number), "openai", None)

    # Whose turn it was is forgotten, and nothing else: it is the first one's again.
    assert turns(ring, two, 1) == ["a"]
