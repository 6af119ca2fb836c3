"""The gateway that the worker and clients rings share: one server, one run."""

import json
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from demo import demo_provider
from running import Gateway, serving
from worker.aimock import mocking
from worker.scripted import ScriptedUpstream
from worker.scripts import SCRIPTS
from worker.sockets import SocketUpstream

# A shell lets what it runs in the background ignore Ctrl-C, and so would all that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)


def own_models(url: str) -> dict[str, object]:
    """Return what runs in place of Workers AI's models: the same server, and one that is down."""
    named = {
        "@cf/meta/llama-3.1-8b-instruct": "llama3.1:8b",
        "@cf/baai/bge-m3": "bge-m3",
        "@cf/stub/down": {"model": "down", "url": "http://127.0.0.1:9/v1"},
    }
    return {"url": url, "key": "sk-own", "models": named}


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="session")
def llmock_url(state: Path) -> Iterator[str]:
    with demo_provider(state / "llmock.log") as base_url:
        yield base_url


@pytest.fixture(scope="session")
def socket_upstream() -> Iterator[SocketUpstream]:
    with SocketUpstream().running() as server:
        yield server


@pytest.fixture(scope="session")
def upstream(llmock_url: str, socket_upstream: SocketUpstream) -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream(SCRIPTS, llmock_url, socket_upstream.url).running() as server:
        yield server


@pytest.fixture(scope="session")
def gateway(state: Path, llmock_url: str, upstream: ScriptedUpstream) -> Iterator[Gateway]:
    """Start the gateway as `make dev` does, and end it after the last test."""
    variables = {
        "UPSTREAMS": json.dumps(upstream.bases),
        "WORKERS_AI": json.dumps(own_models(upstream.base_url)),
    }
    with serving(state, **variables) as running:
        yield replace(running, llmock=llmock_url)


@pytest.fixture(scope="session")
def aimock(tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream) -> Iterator[str]:
    """Start the second mock, to which requests go that name it."""
    folder = tmp_path_factory.mktemp("aimock")
    with mocking(folder) as url:
        upstream.mocks["aimock"] = url
        yield url
