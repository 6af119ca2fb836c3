"""What a user of `make serve` goes through, from the first token to the restart."""

import contextlib
import json
import sqlite3
import stat
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from running import ADMIN_TOKEN, PRINTED, SETTINGS, Gateway, open_default, post, started, until
from worker.scripted import ScriptedUpstream
from worker.scripts import CHAT

BODY: dict[str, Any] = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Hi"}]}
HOUR_S = 3600


@pytest.fixture(scope="module")
def token(served: Gateway) -> Mapping[str, str]:
    made = served.manage("POST", "/tokens", {"name": "story", "scopes": ["run"]})
    return {"cf-aig-authorization": f"Bearer {made['value']}"}


def ask(gateway: Gateway, token: Mapping[str, str], **more: str) -> httpx.Response:
    headers = dict(token) | {name.replace("_", "-"): value for name, value in more.items()}
    return post(f"{gateway.openai}/script/json_answer", json=BODY, headers=headers, timeout=30)


def test_health_is_well_without_workers_ai(served: Gateway) -> None:
    told = httpx.get(f"{served.url}/healthz").json()

    assert told["status"] == "ok"
    assert [name for name, there in told["bindings"].items() if not there] == ["AI"]


def test_a_gateway_that_is_made_wants_a_token(served: Gateway, token: Mapping[str, str]) -> None:
    assert ask(served, {}).status_code == 401
    assert ask(served, token).content == CHAT


def test_a_request_has_a_row_with_what_it_cost(served: Gateway, token: Mapping[str, str]) -> None:
    row = served.row_of(ask(served, token))

    assert (row["tokens_in"], row["tokens_out"]) == (12, 7)
    assert row["cost"] == pytest.approx(1.61e-05)


def test_what_was_asked_before_comes_from_the_cache(
    served: Gateway, token: Mapping[str, str], upstream: ScriptedUpstream
) -> None:
    first, second = (ask(served, token, cf_aig_cache_ttl="60") for _ in range(2))

    assert [one.headers["cf-aig-cache-status"] for one in (first, second)] == ["MISS", "HIT"]
    assert second.content == CHAT


def test_of_many_at_once_exactly_as_many_pass_as_may(served: Gateway) -> None:
    limited = {"rate_limiting_limit": 5, "rate_limiting_interval": HOUR_S}
    with served.another("limited", **limited) as gateway, ThreadPoolExecutor(20) as pool:
        sent = [pool.submit(ask, gateway, {}) for _ in range(20)]
        statuses = [each.result().status_code for each in sent]

    assert (statuses.count(200), statuses.count(429)) == (5, 15)


def test_nobody_says_himself_which_address_he_has(served: Gateway) -> None:
    rule = {
        "id": "each",
        "limit": 1,
        "limitType": "requests",
        "window": HOUR_S,
        "address": {"mode": "partition"},
    }
    with served.another("addressed", rate_limiting_rules=[rule]) as gateway:
        answers = [ask(gateway, {}, cf_connecting_ip=f"203.0.113.{last}") for last in (1, 2)]

    assert [answer.status_code for answer in answers] == [200, 429]


def test_a_restart_keeps_the_log_tokens_keys_and_counters(
    tmp_path: Path,
    command: list[str | Path],
    variables: dict[str, str],
    upstream: ScriptedUpstream,
) -> None:
    limited = {"rate_limiting_limit": 2, "rate_limiting_interval": HOUR_S}
    with started(command, tmp_path, **variables) as (before, _):
        before.name = "kept"
        settings = {"id": "kept", **limited}
        before.manage("POST", "/gateways", SETTINGS | settings)
        before.store("openai", "sk-stored")
        value = before.manage("POST", "/tokens", {"name": "kept", "scopes": ["run"]})["value"]
        token = {"cf-aig-authorization": f"Bearer {value}"}
        answers = [keyless(before, token) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]

    with started(command, tmp_path, **variables) as (after, _):
        after.name = "kept"
        assert after.row_of(answers[0])["tokens_in"] == 12
        assert keyless(after, token).status_code == 429
        after.manage("PUT", "/gateways/kept", SETTINGS | settings | {"rate_limiting_limit": 0})
        assert keyless(after, token).content == CHAT
        assert upstream.last().header("authorization") == "Bearer sk-stored"


def keyless(gateway: Gateway, token: Mapping[str, str]) -> httpx.Response:
    """Send a request without a provider's key: the gateway has one."""
    url = f"{gateway.openai}/script/json_answer"
    return httpx.post(url, json=BODY, headers=token, timeout=30)


def test_the_cron_trigger_counts_an_hour_of_the_log_that_is_over(
    tmp_path: Path, command: list[str | Path], variables: dict[str, str]
) -> None:
    with started(command, tmp_path, **variables) as (gateway, _):
        open_default(gateway)
        gateway.row_of(ask(gateway, {}))
    with database(tmp_path) as connection, connection:
        connection.execute("UPDATE log_periods SET start = start - 2 * span")

    with started(command, tmp_path, **variables), database(tmp_path) as connection:

        def counted() -> bool | None:
            return connection.execute("SELECT due FROM log_periods").fetchone() == (0,) or None

        assert not counted()
        until(counted, "the cron trigger", patience=90)


def database(state: Path) -> contextlib.closing[sqlite3.Connection]:
    """Open the gateway's database."""
    (file,) = state.glob("data/d1/*/[0-9a-f]*.sqlite")
    return contextlib.closing(sqlite3.connect(file))


def test_every_line_that_is_printed_is_json(served: Gateway) -> None:
    lines = [json.loads(line) for line in (served.state / PRINTED).read_text().splitlines()]

    assert all({"level", "message", "timestamp"} <= line.keys() for line in lines)
    (ready,) = (line for line in lines if line["message"] == "ready")
    assert ready["url"] == served.url


def test_a_secret_of_the_environment_is_in_no_file_and_one_that_is_made_is_private(
    served: Gateway,
) -> None:
    made = served.state / "encryption-key"

    assert ADMIN_TOKEN.encode() not in served.at_rest()
    assert len(made.read_text().strip()) >= 32
    assert stat.S_IMODE(made.stat().st_mode) == 0o600


def test_what_it_keeps_is_private_also_in_a_folder_that_is_not(served: Gateway) -> None:
    kept = [each for each in served.state.rglob("*") if each.name != PRINTED]

    assert [each for each in kept if each.suffix == ".sqlite"]
    assert not [each for each in kept if each.lstat().st_mode & 0o077 and not each.is_symlink()]
