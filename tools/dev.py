"""Run Sluice on this machine, on the real Workers runtime, with an open gateway.

Reads PORT (8787), STATE (folder of the local data, .wrangler/state), ADMIN_TOKEN and ENCRYPTION_KEY
(made and kept in STATE if missing), ENCRYPTION_KEY_OLD, UPSTREAMS (JSON, provider slug to base
URL) and WORKERS_AI (JSON, docs/env-ai.md) from the environment.
"""

import argparse
import contextlib
import hashlib
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import httpx

from demo import demo_provider
from wrangler import ENVIRONMENT, LOCAL_FLAGS, ROOT, WRANGLER

READY_S = 120
STOP_S = 10
ACCOUNT = "local"

OPEN_GATEWAY = """\
INSERT OR IGNORE INTO gateways (account_id, id, settings, created_at, modified_at)
VALUES ('local', 'default', '{"authentication": false}', unixepoch() * 1000, unixepoch() * 1000)
"""


@dataclass(frozen=True)
class Run:
    """What the environment says of this run."""

    port: int
    state: Path
    admin_token: str
    encryption_key: str
    encryption_key_old: str | None
    upstreams: str | None
    workers_ai: str | None
    configs: Sequence[Path] = (ROOT / "wrangler.toml",)
    """Of the gateway, and of Workers that it is to find beside it."""

    @classmethod
    def of_environment(cls) -> "Run":
        """Read the environment. Exits with a message where a value cannot be used."""
        port = os.environ.get("PORT", "8787")
        if not (port.isdecimal() and 0 < int(port) < 65536):
            sys.exit(f"dev: PORT is {port!r}. Use a port number, 1 to 65535")
        state = Path(os.environ.get("STATE") or ROOT / ".wrangler" / "state").resolve()
        state.mkdir(parents=True, exist_ok=True)
        token = os.environ.get("ADMIN_TOKEN") or _kept_token(state / "admin-token")
        key = os.environ.get("ENCRYPTION_KEY") or _kept_token(state / "encryption-key")
        old = os.environ.get("ENCRYPTION_KEY_OLD") or None
        upstreams, own = (os.environ.get(name) or None for name in ("UPSTREAMS", "WORKERS_AI"))
        return cls(int(port), state, token, key, old, upstreams, own)

    @property
    def url(self) -> str:
        """Where the gateway will answer."""
        return f"http://localhost:{self.port}"


def _kept_token(file: Path) -> str:
    if not file.exists():
        write_private(file, secrets.token_urlsafe(32))
    return file.read_text().strip()


def write_private(file: Path, text: str) -> None:
    """Write a file that nobody else can read."""
    file.touch(mode=0o600)
    file.write_text(text)


def prepare(run: Run) -> None:
    """Bring the local database up to date, and give it an open gateway."""
    migrations = sorted((ROOT / "migrations").glob("*.sql"))
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in migrations)).hexdigest()
    applied = run.state / "migrations.sha256"
    if applied.exists() and applied.read_text() == digest:
        return
    print("Migrating the local database …", flush=True)
    _wrangler(run, "d1", "migrations", "apply", "DB")
    _wrangler(run, "d1", "execute", "DB", "--command", OPEN_GATEWAY)
    applied.write_text(digest)


def _wrangler(run: Run, *arguments: str) -> None:
    command = [*WRANGLER, *arguments, "--local", "--persist-to", run.state]
    done = subprocess.run(
        command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"dev: wrangler {' '.join(arguments[:3])} failed\n{done.stdout}{done.stderr}")


def start(run: Run) -> "subprocess.Popen[str]":
    """Start the Worker."""
    file = run.state / "dev.vars"
    write_private(file, dotenv(run))
    return launched(run, run.configs, "--env-file", file, "--compatibility-flags", *LOCAL_FLAGS)


def launched(run: Run, configs: Sequence[Path], *arguments: str | Path) -> "subprocess.Popen[str]":
    """Start wrangler on configurations, the first of which answers."""
    command = [
        *(*WRANGLER, "dev", "--local"),
        *(argument for config in configs for argument in ("--config", config)),
        *("--port", str(run.port), "--inspector-port", "0", "--persist-to", run.state),
        *("--show-interactive-dev-session=false", *arguments),
    ]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=ENVIRONMENT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def variables(run: Run) -> dict[str, str]:
    """Return the variables and secrets of the Worker."""
    values = {
        "ACCOUNT": ACCOUNT,
        "ADMIN_TOKEN": run.admin_token,
        "ENCRYPTION_KEY": run.encryption_key,
        "ENCRYPTION_KEY_OLD": run.encryption_key_old,
        "ORIGIN": run.url,
        "UPSTREAMS": run.upstreams,
        "WORKERS_AI": run.workers_ai,
    }
    return {name: value for name, value in values.items() if value}


def dotenv(run: Run) -> str:
    """Return the variables as a file of them."""
    # Single quotes keep a value as it is, and JSON has none outside its strings.
    return "".join(f"{name}='{value}'\n" for name, value in variables(run).items())


class Output(threading.Thread):
    """What the Worker prints: kept in a file, and shown once the gateway is ready."""

    def __init__(self, source: IO[str], file: Path) -> None:
        super().__init__(daemon=True)
        self.shown = threading.Event()
        self._source = source
        self._file = file

    def run(self) -> None:
        """Copy until the Worker ends."""
        with self._file.open("w") as kept:
            for line in self._source:
                kept.write(line)
                kept.flush()
                if self.shown.is_set():
                    print(line, end="", flush=True)

    def tail(self) -> str:
        """Return the last lines."""
        return "\n".join(self._file.read_text().splitlines()[-30:])


def wait_until_ready(run: Run, worker: "subprocess.Popen[str]") -> bool:
    """Wait until the gateway answers, or has ended, or the time is over."""
    deadline = time.monotonic() + READY_S
    while worker.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{run.url}/healthz", timeout=READY_S).is_success:
                return True
        with contextlib.suppress(subprocess.TimeoutExpired):
            worker.wait(0.2)
    return False


def requests(run: Run, key: str) -> str:
    """Return three requests to paste."""
    gateway = f"{run.url}/v1/local/default"
    message = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Hello!"}]}
    stream = message | {"stream": True, "stream_options": {"include_usage": True}}
    chat = f"curl {gateway}/openai/chat/completions -H 'Content-Type: application/json'"
    logs = f"{run.url}/client/v4/accounts/local/ai-gateway/gateways/default/logs"
    return f"""
Sluice is ready on {run.url}. Three requests to try:

  {chat} -H "Authorization: Bearer {key}" -d '{json.dumps(message)}'

  {chat} -H "Authorization: Bearer {key}" -N -d '{json.dumps(stream)}'

  curl {logs} -H "Authorization: Bearer {run.admin_token}"

Ctrl-C ends it.
"""


def keep(run: Run, worker: "subprocess.Popen[str]", told: str) -> int:
    """Keep the Worker until it ends or is told to. Returns the exit status.

    Once it is ready people are told something.
    """
    print("Starting the Worker …", flush=True)
    assert worker.stdout is not None
    output = Output(worker.stdout, run.state / "dev.log")
    output.start()
    try:
        if not wait_until_ready(run, worker):
            print(f"dev: the Worker did not start.\n{output.tail()}", file=sys.stderr)
            return 1
        print(told, flush=True)
        output.shown.set()
        return worker.wait()
    finally:
        stop(worker)


def stop(worker: "subprocess.Popen[str]") -> None:
    """End the Worker and all that it started."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(worker.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            worker.wait(STOP_S)
            return


@contextlib.contextmanager
def upstreams(run: Run, demo: bool) -> Generator[Run, None, None]:
    """Give the run the provider of the demo, where it is one."""
    if not demo:
        yield run
        return
    with demo_provider(run.state / "llmock.log") as base_url:
        yield replace(run, upstreams=json.dumps({"openai": base_url}))


def begin(configs: Sequence[Path] | None = None) -> Run:
    """Return this run, for which all is there."""
    # Ended from outside like by Ctrl-C, so that nothing that was started is left.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    run = Run.of_environment()
    if configs:
        run = replace(run, configs=configs)
    prepare(run)
    return run


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the gateway. Returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--demo", action="store_true", help="let a mock answer for OpenAI: no key needed"
    )
    parser.add_argument(
        "--config", action="append", type=Path, help="configure Workers by this file, not the usual"
    )
    options = parser.parse_args(arguments)
    run = begin(options.config)
    with contextlib.suppress(KeyboardInterrupt), upstreams(run, options.demo) as run:
        told = requests(run, "demo" if options.demo else "$OPENAI_API_KEY")
        return keep(run, start(run), told)
    return 0


if __name__ == "__main__":
    sys.exit(main())
