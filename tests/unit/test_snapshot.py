import pytest
from pydantic import ValidationError

from snapshot import Gateway

EMPTY = {"tokens": "[]", "keys": "[]", "customs": "[]"}


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
    assert a_gateway('{"cache_ttl":60}') == a_gateway("{}")


@pytest.mark.parametrize("settings", ["", "x", "[]", "null", '{"authentication":null}'])
def test_settings_that_cannot_be_read_are_never_an_open_gateway(settings: str) -> None:
    with pytest.raises(ValidationError):
        a_gateway(settings)
