import pytest
from pydantic import ValidationError

from settings import Gateway


def test_a_gateway_without_settings_is_closed_and_logged() -> None:
    assert Gateway.of("acme", "main", 7, "{}") == Gateway(
        internal_id=7, account="acme", id="main", authentication=True, collect_logs=True
    )


def test_settings_are_read() -> None:
    gateway = Gateway.of("acme", "main", 7, '{"authentication":false,"collect_logs":false}')

    assert (gateway.authentication, gateway.collect_logs) == (False, False)


def test_settings_of_a_newer_release_are_ignored() -> None:
    assert Gateway.of("acme", "main", 7, '{"cache_ttl":60}') == Gateway.of("acme", "main", 7, "{}")


@pytest.mark.parametrize("settings", ["", "x", "[]", "null", '{"authentication":null}'])
def test_settings_that_cannot_be_read_are_never_an_open_gateway(settings: str) -> None:
    with pytest.raises(ValidationError):
        Gateway.of("acme", "main", 7, settings)
