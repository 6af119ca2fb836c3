"""The gateway that the worker and clients rings share: one server, one run."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from demo import demo_provider, free_port
from running import Gateway, until
from worker.scripted import ScriptedUpstream
from worker.scripts import SCRIPTS
from worker.sockets import SocketUpstream

ROOT = Path(__file__).resolve().parent.parent
ADMIN_TOKEN = "test-admin-token"


def upstreams(scripted: str, llmock: str) -> dict[str, str]:
    """Where the providers of the tests are: the scripted one, and llmock's others."""
    root = llmock.removesuffix("/v1")
    return {
        "openai": scripted,
        "anthropic": f"{root}/anthropic",
        "cohere": f"{root}/cohere",
        "google-ai-studio": f"{root}/gemini",
        "grok": f"{root}/xai/v1",
        "groq": f"{root}/groq/openai/v1",
        "mistral": f"{root}/mistral/v1",
        "perplexity-ai": f"{root}/perplexity/v1",
    }


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
    port = free_port()
    environment = os.environ | {
        "PORT": str(port),
        "STATE": str(state),
        "ADMIN_TOKEN": ADMIN_TOKEN,
        "UPSTREAMS": json.dumps(upstreams(upstream.base_url, llmock_url)),
    }
    command = [sys.executable, ROOT / "tools" / "dev.py"]
    with (state / "test.log").open("w") as output:
        server = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        url = f"http://127.0.0.1:{port}"
        until(lambda: _ready(server, url, state), "the gateway", patience=150)
        yield Gateway(url, ADMIN_TOKEN, llmock_url, state)
    finally:
        server.terminate()
        server.wait(30)


def _ready(server: "subprocess.Popen[bytes]", url: str, state: Path) -> bool | None:
    assert server.poll() is None, (state / "test.log").read_text()
    try:
        return httpx.get(f"{url}/healthz", timeout=30).is_success or None
    except httpx.TransportError:
        return None
