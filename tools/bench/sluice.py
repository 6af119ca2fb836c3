"""Sluice itself, from any checkout, with what a user has and with the same switched off."""

import functools
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

from bench.ends import Upstream
from bench.install import say
from bench.process import Program, running, wait_until
from bench.sites import KEY, LIMIT, Door, Feature, Prepare, Site
from bench.workerd import V8_FLAGS
from serve.listening import free_port
from wrangler import ROOT

ADMIN_TOKEN = "benchmark"  # noqa: S105 - it opens nothing but a gateway of this run
START_S = 60
DAY_S = 86_400

USUAL: Mapping[str, Any] = {"authentication": True}
OFF: Mapping[str, Any] = {"authentication": False, "collect_logs": False}

GATEWAYS: Mapping[Feature, Mapping[str, Any]] = {
    Feature.PLAIN: {},
    Feature.CACHE: {"cache_ttl": 3600},
    Feature.COUNTED: {"rate_limiting_limit": 1_000_000, "rate_limiting_interval": DAY_S},
    Feature.LIMITED: {"rate_limiting_limit": LIMIT, "rate_limiting_interval": DAY_S},
}
"""The gateway of each feature, and how it differs from a usual one."""


def sluice(settings: Mapping[str, Any], root: Path = ROOT) -> Prepare:
    """Return how a checkout is set up with these settings of its gateways."""

    def prepare(folder: Path, upstream: Upstream) -> Site:
        name = str(root).strip("/").replace("/", "-")
        port = _copy(_build(root, folder.parent / f"built-{name}", upstream), folder)
        command = [
            *(root / "tools" / "workerd", "serve", "config.capnp", "--experimental"),
            *("-I", "upload"),
            *("--python-load-snapshot", "snapshot.bin", "--python-snapshot-dir", "."),
        ]
        program = Program(command, folder)
        url = f"http://127.0.0.1:{port}"
        token = _fill(program, url, root, settings)
        return Site([program], _doors(f"{url}/v1/local", token))

    return prepare


@functools.cache
def _build(root: Path, folder: Path, upstream: Upstream) -> Path:
    """Build a checkout once for all targets that are made of it."""
    python = root / ".venv" / "bin" / "python"
    if not python.exists():
        sys.exit(f"bench: run `make setup` in {root} first")
    say(f"building {root} …")
    folder.mkdir(parents=True)
    bases = {"openai": upstream.base, "groq": upstream.failing}
    variables = {"ADMIN_TOKEN": ADMIN_TOKEN, "UPSTREAMS": json.dumps(bases)}
    script = Path(__file__).with_name("checkout.py")
    done = subprocess.run(
        [python, script, folder, json.dumps(variables), *V8_FLAGS],
        env=os.environ | {"PYTHONPATH": str(root / "tools")},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"bench: {root} cannot be built\n{done.stdout}{done.stderr}")
    (folder / "port").write_text(done.stdout.split()[-1])
    return folder


def _copy(built: Path, folder: Path) -> int:
    """Copy what was built to a folder with data and a port of its own, and return the port."""
    shutil.copytree(built, folder, symlinks=True, dirs_exist_ok=True)
    port = free_port()
    config = folder / "config.capnp"
    old = f"127.0.0.1:{(built / 'port').read_text()}"
    config.write_text(config.read_text().replace(f'"{old}"', f'"127.0.0.1:{port}"'))
    return port


def _fill(program: Program, url: str, root: Path, settings: Mapping[str, Any]) -> str:
    """Give the database its schema and its gateways, and return a token for them."""
    with running(program) as (_, child):
        log = program.folder / "output.log"
        # Unhealthy is an answer as well: there is no schema yet.
        wait_until(
            lambda: answers(lambda: httpx.get(f"{url}/healthz", timeout=30)),
            "Sluice",
            child,
            log,
            START_S,
        )
        _write(program.folder, root / "schema.sql", settings)
        reply = httpx.post(
            f"{url}/client/v4/accounts/local/ai-gateway/tokens",
            json={"name": "benchmark"},
            headers={"authorization": f"Bearer {ADMIN_TOKEN}"},
            timeout=30,
        )
        if not reply.is_success:
            sys.exit(f"bench: Sluice made no token: {reply.text}")
        return reply.json()["result"]["value"]


def answers(ask: Callable[[], httpx.Response]) -> bool:
    """Whether there is an answer at all."""
    try:
        ask()
    except httpx.TransportError:
        return False
    return True


def _write(folder: Path, schema: Path, settings: Mapping[str, Any]) -> None:
    (file,) = (folder / "data" / "d1" / "sluice-d1").glob("[0-9a-f]*.sqlite")
    connection = sqlite3.connect(file)
    connection.executescript(schema.read_text())
    connection.executemany(
        "INSERT INTO gateways (account_id, id, settings, created_at, modified_at) "
        "VALUES ('local', ?, ?, 0, 0)",
        [(name, json.dumps({**settings, **more})) for name, more in GATEWAYS.items()],
    )
    connection.commit()
    connection.close()


def _doors(account: str, token: str) -> dict[Feature, Door]:
    headers = KEY | {"cf-aig-authorization": f"Bearer {token}"}
    doors = {name: Door(f"{account}/{name}/openai/chat/completions", headers) for name in GATEWAYS}
    return doors | {Feature.FALLBACK: Door(f"{account}/{Feature.PLAIN}", headers, _two_targets)}


def _two_targets(chat: dict[str, Any]) -> list[dict[str, Any]]:
    target = {"endpoint": "chat/completions", "headers": KEY, "query": chat}
    return [{"provider": name, **target} for name in ("groq", "openai")]
