"""How it ends: when what is under way is done, or when that takes too long."""

import signal
from pathlib import Path

import httpx

from running import (
    PRINTED,
    Gateway,
    children,
    gone,
    open_default,
    pass_time,
    started,
    stream,
    until,
)
from worker.scripted import ScriptedUpstream

LONGER_THAN_AN_IDLE_CONNECTION_S = 16


def test_sigterm_lets_a_stream_end_and_writes_its_row(
    tmp_path: Path,
    command: list[str | Path],
    variables: dict[str, str],
    upstream: ScriptedUpstream,
) -> None:
    with started(command, tmp_path, **variables) as (gateway, server):
        open_default(gateway)
        pass_time(LONGER_THAN_AN_IDLE_CONNECTION_S)
        url = f"{gateway.openai}/script/stream_step_by_step"
        with stream("POST", url, json={"stream": True}, timeout=30) as response:
            pieces = response.iter_raw()
            next(pieces)
            server.send_signal(signal.SIGTERM)
            until(lambda: refused(gateway), "new connections to be refused")
            assert server.poll() is None
            upstream.go_on()
            rest = b"".join(pieces)
        assert server.wait(20) == 0

    assert rest.endswith(b"data: [DONE]\n\n")
    with started(command, tmp_path, **variables) as (gateway, _):
        assert gateway.ask(f"/logs/{response.headers['cf-aig-log-id']}").is_success


def test_what_takes_too_long_is_cut_off(
    tmp_path: Path,
    command: list[str | Path],
    variables: dict[str, str],
    upstream: ScriptedUpstream,
) -> None:
    with started(command, tmp_path, STOP_SECONDS="1", **variables) as (gateway, server):
        open_default(gateway)
        url = f"{gateway.openai}/script/stream_and_hang"
        with stream("POST", url, json={"stream": True}, timeout=30) as response:
            next(response.iter_raw())
            server.send_signal(signal.SIGINT)
            assert server.wait(20) == 0

    assert upstream.last().abandoned()
    assert "what was not done within 1 s is cut off" in (tmp_path / PRINTED).read_text()


def test_when_it_is_killed_workerd_ends_at_once_and_another_start_works(
    tmp_path: Path, command: list[str | Path], variables: dict[str, str]
) -> None:
    with started(command, tmp_path, **variables) as (gateway, server):
        open_default(gateway)
        (workerd,) = children(server.pid)
        url = f"{gateway.openai}/script/stream_and_hang"
        with stream("POST", url, json={"stream": True}, timeout=30) as response:
            next(response.iter_raw())
            server.kill()
            until(lambda: gone(workerd), "the end of workerd")

    with started(command, tmp_path, **variables) as (gateway, _):
        assert httpx.get(f"{gateway.url}/healthz").is_success


def refused(gateway: Gateway) -> bool | None:
    try:
        httpx.get(f"{gateway.url}/healthz", timeout=1)
    except httpx.ConnectError:
        return True
    except httpx.TransportError:
        return None
    return None
