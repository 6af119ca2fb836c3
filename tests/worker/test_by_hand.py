"""What has its own time or never comes, asked for by hand: the rest is the gateway as it is."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from running import ROOT, Gateway, post, serving, until
from runtime.listeners import PENDING
from worker.scripted import ScriptedUpstream
from worker.scripts import CHAT
from worker.sockets import SocketUpstream
from worker.test_tail import leases
from worker.test_tail_slow import SLOW, last_words, unread, write_rows
from worker.test_universal_socket import close, vanish
from worker.test_websockets import CHAT as ASKED
from worker.test_websockets import address, closed_by, create, realtime, received

WORKER = Path(__file__).with_name("by_hand.py")


@pytest.fixture(scope="module")
def by_hand(
    tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream
) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("by-hand")
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(WORKER, folder / "src")
    for part in ("python_modules", "migrations"):
        (folder / part).symlink_to(ROOT / part)
    config = folder / "wrangler.toml"
    usual = (ROOT / "wrangler.toml").read_text()
    config.write_text(usual.replace("src/entry.py", f"src/{WORKER.name}"))
    (folder / "state").mkdir()
    local = {"UPSTREAMS": json.dumps({"openai": upstream.base_url})}
    with serving(folder / "state", config, **local) as gateway:
        yield gateway


def test_what_is_ready_is_done_though_the_turn_is_cut_short(by_hand: Gateway) -> None:
    answer = httpx.get(f"{by_hand.url}/by-hand/cut-short", timeout=30)

    assert answer.text == "['before', 'after']"
    assert post(f"{by_hand.openai}/script/json_answer", json={}).content == CHAT


def ring(gateway: Gateway) -> list[int]:
    """Ring the alarm of those who watch a gateway, and return how many bytes waited for each."""
    number = gateway.ask("").json()["result"]["internal_id"]
    return httpx.get(f"{gateway.url}/by-hand/ring/{number}", timeout=30).json()


def test_a_stream_of_which_nothing_is_taken_between_two_beats_ends_and_says_why(
    by_hand: Gateway,
) -> None:
    waited: list[int] = []
    with by_hand.another("stuck") as watched, unread(watched) as caller:
        for _ in range(400):
            write_rows(watched)
            waited += [*ring(watched), *ring(watched)]
            if not leases(watched):
                break
        end = last_words(caller)

    assert SLOW in end
    # It was not for what waited.
    assert max(waited) < PENDING


def connections(gateway: Gateway) -> int:
    """Return how many WebSockets a gateway holds in memory."""
    return int(httpx.get(f"{gateway.url}/by-hand/connections", timeout=30).text)


def none_are_held(gateway: Gateway) -> None:
    until(lambda: connections(gateway) == 0 or None, "the end of all connections")


@pytest.mark.parametrize("leave", [close, vanish])
def test_a_connection_that_is_over_is_held_no_longer(
    by_hand: Gateway, socket_upstream: SocketUpstream, leave: Callable[[ClientConnection], None]
) -> None:
    with connect(address(by_hand, "")) as universal, realtime(by_hand) as relayed:
        universal.send(create("held", ASKED, "script/json_answer"))
        received(universal)
        relayed.send("hello")
        relayed.recv(timeout=10)
        assert connections(by_hand) == 2
        leave(universal)
        leave(relayed)

    closed_by(socket_upstream, socket_upstream.opened.get(timeout=10))
    none_are_held(by_hand)


def test_a_connection_that_the_provider_ends_is_held_no_longer(
    by_hand: Gateway, socket_upstream: SocketUpstream
) -> None:
    for message in ("close 4001 session expired", "vanish"):
        with realtime(by_hand) as relayed:
            relayed.send(message)
            with pytest.raises(ConnectionClosed):
                relayed.recv(timeout=10)
        closed_by(socket_upstream, socket_upstream.opened.get(timeout=10))

    none_are_held(by_hand)
