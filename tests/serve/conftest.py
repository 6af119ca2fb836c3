"""Gateways that run as `make serve` runs them, whatever the other rings do."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from running import MAKE_SERVE, ROOT, SETTINGS, Gateway, started
from worker.scripted import ScriptedUpstream


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources of the Worker, to be changed, with a cron trigger for every minute."""
    folder = tmp_path_factory.mktemp("sources")
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("python_modules", "migrations"):
        (folder / name).symlink_to(ROOT / name)
    usual = (ROOT / "wrangler.toml").read_text()
    (folder / "wrangler.toml").write_text(usual.replace("*/5 * * * *", "* * * * *"))
    return folder


@pytest.fixture(scope="session")
def command(sources: Path) -> list[str | Path]:
    return [*MAKE_SERVE, "--config", sources / "wrangler.toml"]


@pytest.fixture(scope="session")
def variables(upstream: ScriptedUpstream) -> dict[str, str]:
    return {"UPSTREAMS": json.dumps({"openai": upstream.base_url})}


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory,
    command: list[str | Path],
    variables: dict[str, str],
) -> Iterator[Gateway]:
    """A gateway `first` on a new folder. It wants a token, as all do that are made."""
    with started(command, tmp_path_factory.mktemp("served"), **variables) as (gateway, _):
        gateway.manage("POST", "/gateways", SETTINGS | {"id": "first"})
        gateway.name = "first"
        yield gateway
