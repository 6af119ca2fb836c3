import pytest
from pydantic import ValidationError

from settings import Retry
from snapshot import Custom, Gateway, StoredKey, Token

EMPTY = {"generations": "{}", "tokens": "[]", "keys": "[]", "customs": "[]"}


def a_gateway(settings: str) -> Gateway:
    return Gateway.of("acme", "main", {"internal_id": 7, "settings": settings, **EMPTY})


def test_a_gateway_without_settings_is_closed_and_logged() -> None:
    assert a_gateway("{}") == Gateway(
        internal_id=7, account="acme", id="main", authentication=True, collect_logs=True
    )


def test_settings_are_read() -> None:
    gateway = a_gateway('{"authentication":false,"collect_logs":false}')

    assert (gateway.authentication, gateway.collect_logs) == (False, False)


def test_settings_of_a_newer_release_are_ignored() -> None:
    assert a_gateway('{"a_setting":60}') == a_gateway("{}")


@pytest.mark.parametrize("settings", ["", "x", "[]", "null", '{"authentication":null}'])
def test_settings_that_cannot_be_read_are_never_an_open_gateway(settings: str) -> None:
    with pytest.raises(ValidationError):
        a_gateway(settings)


def test_whom_and_what_a_gateway_lets_in_is_read() -> None:
    row = {
        "internal_id": 7,
        "settings": "{}",
        "generations": '{"": 2, "openai": 1}',
        "tokens": '[["d1", "t1", null], ["d2", "t2", 1750000000000]]',
        "keys": '[["k1", "openai", "default", 0, "s1"], ["k2", "groq", "team", 1, "s2"]]',
        "customs": '[["mine", "https://llm.example.com", null, "c:1"], '
        '["x", "https://x.dev", "s3", "d:2"]]',
    }

    gateway = Gateway.of("acme", "main", row)

    assert gateway.generations == {"": 2, "openai": 1}
    assert gateway.tokens == {
        "d1": Token("d1", "t1"),
        "d2": Token("d2", "t2", 1_750_000_000_000),
    }
    assert gateway.keys == (
        StoredKey("k1", "openai", "default", default=False, sealed="s1"),
        StoredKey("k2", "groq", "team", default=True, sealed="s2"),
    )
    assert gateway.customs == {
        "mine": Custom("mine", "https://llm.example.com", None, "c:1"),
        "x": Custom("x", "https://x.dev", "s3", "d:2"),
    }


@pytest.mark.parametrize("name", ["generations", "tokens", "keys", "customs"])
@pytest.mark.parametrize(
    "text", ["", "x", "7", '[["a"]]', "[null]", '["abc"]', "[[1, 2, 3, 4, 5]]"]
)
def test_what_cannot_be_read_of_it_is_never_left_out(name: str, text: str) -> None:
    row = {"internal_id": 7, "settings": "{}", **EMPTY, name: text}

    with pytest.raises(ValidationError):
        Gateway.of("acme", "main", row)


@pytest.mark.parametrize(
    ("settings", "retry"),
    [
        ("{}", Retry(1, 500, "exponential")),
        ('{"retry_max_attempts":3}', Retry(3, 500, "exponential")),
        ('{"retry_delay":0,"retry_backoff":"linear"}', Retry(1, 0, "linear")),
    ],
)
def test_how_often_a_gateway_tries_is_read(settings: str, retry: Retry) -> None:
    assert a_gateway(settings).retry == retry
