"""Workers that have the gateway bound as `AI`, beside it; a stand-in runs the models."""

import json
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from running import ROOT, Gateway, started
from worker.scripted import ScriptedUpstream

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples"


@dataclass
class Caller:
    """One of the Workers."""

    url: str
    gateway: Gateway

    def ask(self, name: str, **given: Any) -> Any:
        """Return what the Worker tells."""
        answer = httpx.post(f"{self.url}/{name}", json=given, timeout=60)
        return answer.json()

    def told(self, name: str, **given: Any) -> Any:
        """Return what came of what the Worker did."""
        told = self.ask(name, **given)
        assert "told" in told, told
        return told["told"]

    def error(self, name: str, **given: Any) -> dict[str, str]:
        """Return the error that the Worker caught."""
        told = self.ask(name, **given)
        assert "error" in told, told
        return told["error"]


@contextmanager
def beside(state: Path, *configs: Path, **variables: str) -> Generator[Gateway]:
    """Run the gateway with Workers beside it that bind it."""
    command = [sys.executable, ROOT / "tools" / "beside.py"]
    command += [f"--config={config}" for config in configs]
    with started(command, state, **variables) as (gateway, _):
        yield gateway


@pytest.fixture(scope="session")
def bound(
    tmp_path_factory: pytest.TempPathFactory, llmock_url: str, upstream: ScriptedUpstream
) -> Iterator[Gateway]:
    """Run them all."""
    configs = [HERE / "caller.toml", *sorted(EXAMPLES.glob("*/wrangler.toml"))]
    upstreams = {"openai": llmock_url, "workers-ai": f"{upstream.root}/script"}
    variables = {"UPSTREAMS": json.dumps(upstreams)}
    state = tmp_path_factory.mktemp("bound")
    with beside(state, *configs, **variables) as gateway:
        yield gateway


@pytest.fixture(scope="session")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    """Run the Worker that uses an SDK."""
    config = HERE / "ai_sdk.toml"
    with beside(tmp_path_factory.mktemp("sdk"), config) as gateway:
        yield Caller(f"{gateway.url}/ai-sdk", gateway)


@pytest.fixture
def js(bound: Gateway) -> Caller:
    return Caller(f"{bound.url}/caller", bound)


@pytest.fixture
def stand_in(bound: Gateway) -> Any:
    """What tells how often models were run."""
    return lambda: httpx.get(f"{bound.url}/workers-ai").json()
