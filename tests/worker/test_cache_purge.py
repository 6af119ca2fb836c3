"""A purge of what is kept on real KV, seen by the next request."""

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from running import Gateway, post


@pytest.fixture(scope="module")
def keeping(gateway: Gateway) -> Iterator[Gateway]:
    """Make a gateway that keeps answers for ten minutes."""
    with gateway.another("purging", cache_ttl=600) as keeping:
        yield keeping


def status(response: httpx.Response) -> str:
    return response.headers["cf-aig-cache-status"]


@pytest.mark.parametrize("name", ["plain", "with space/and?more&", "schlüssel-ключ"])
def test_a_purge_is_seen_at_once(keeping: Gateway, name: str) -> None:
    key = f"{name}-{uuid.uuid4().hex}"
    named = {b"cf-aig-cache-key": key.encode(), b"authorization": b"Bearer sk"}
    url = f"{keeping.openai}/script/json_answer"
    body: dict[str, Any] = {"model": "m", "user": uuid.uuid4().hex}
    purges: list[dict[str, str]] = [{}, {"provider": "openai"}, {"key": key}]

    def statuses() -> tuple[str, str]:
        by_name = httpx.post(url, json=body, headers=named)
        return status(post(url, json=body)), status(by_name)

    seen = [statuses(), statuses()]
    for purge in purges:
        answer = httpx.delete(
            f"{keeping.management}/cache",
            params=purge,
            headers={"authorization": f"Bearer {keeping.admin_token}"},
        )
        assert answer.status_code == 200, answer.text
        seen.append(statuses())

    assert seen == [
        ("MISS", "MISS"),
        ("HIT", "HIT"),
        ("MISS", "MISS"),
        ("MISS", "HIT"),
        ("HIT", "MISS"),
    ]
