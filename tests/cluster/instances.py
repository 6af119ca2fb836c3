"""Instances of a cluster as `make serve` runs them, and the wire between them and their bucket."""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from running import ADMIN_TOKEN, ROOT, Gateway, children, post, until
from serve.bucket import Bucket
from serve.listening import free_port

CHAT: dict[str, Any] = {"model": "gpt-5-mini", "messages": [], "max_tokens": 2000}
YEAR = 31_536_000
KEY = "a key of a cluster that has thirty-two bytes or more"
ENCRYPTION_KEY = "an encryption key of thirty-two characters or more"


@dataclass
class Instance:
    """One run of `make serve`."""

    process: "subprocess.Popen[bytes]"
    gateway: Gateway
    output: Path

    def told(self) -> str:
        """Return what it said."""
        return self.output.read_text()

    def nodes(self) -> list[int]:
        """Return the ids of its processes of workerd."""
        return [pid for pid in self.children() if "workerd serve" in _command(pid)]

    def children(self) -> list[int]:
        """Return the ids of the processes that it started."""
        return children(self.process.pid)

    def kill(self) -> None:
        """End it as a crash of its machine does."""
        started = self.children()
        for pid in (self.process.pid, *started):
            os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def end(self) -> int:
        """End it politely. Returns its status."""
        self.process.terminate()
        return self.process.wait(60)


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return ""


def begin(state: Path, port: int | None = None, **variables: str) -> Instance:
    """Start an instance on a folder of data."""
    port = port or free_port()
    state.mkdir(parents=True, exist_ok=True)
    output = state.with_suffix(".log")
    usual = {"PORT": str(port), "STATE": str(state), "ADMIN_TOKEN": ADMIN_TOKEN}
    with output.open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "serve"],
            env=os.environ | {"PYTHONPATH": str(ROOT / "tools")} | usual | variables,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    gateway = Gateway(f"http://127.0.0.1:{port}", ADMIN_TOKEN, "", state)
    return Instance(process, gateway, output)


def answers(instance: Instance) -> None:
    """Wait until an instance is of use."""

    def look() -> bool | None:
        assert instance.process.poll() is None, instance.told()
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{instance.gateway.url}/healthz", timeout=30).is_success or None
        return None

    until(look, "an instance", patience=90)


@contextlib.contextmanager
def serving(state: Path, **variables: str) -> Generator[Instance, None, None]:
    """Run an instance until the block ends, if it has not ended by then."""
    instance = begin(state, None, **variables)
    try:
        answers(instance)
        yield instance
    finally:
        if instance.process.poll() is None:
            instance.end()


def ask(gateway: Gateway, script: str = "json_answer", **headers: str) -> httpx.Response:
    """Ask a provider by a gateway (`_` of a header stands for `-`)."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return post(f"{gateway.openai}/script/{script}", json=CHAT, headers=named, timeout=60)


class Wire:
    """The way to a bucket, which can be cut and mended."""

    def __init__(self, bucket: Bucket) -> None:
        self.port = free_port()
        self._bucket = bucket
        self._listener: socket.socket | None = None
        self._ends: list[socket.socket] = []

    @property
    def endpoint(self) -> str:
        """Where the bucket is reached."""
        return f"http://127.0.0.1:{self.port}"

    def mend(self) -> None:
        """Let connections through from now on."""
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=256)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        """Refuse connections, and break those that are open."""
        listener, self._listener = self._listener, None
        ends, self._ends = self._ends, []
        for each in (listener, *ends):
            if each:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", self._bucket.port))
                self._ends += [near, far]
                threading.Thread(target=_relay, args=(near, far), daemon=True).start()


def _relay(near: socket.socket, far: socket.socket) -> None:
    other = {near: far, far: near}
    with contextlib.suppress(OSError, ValueError):
        while True:
            for ready in select.select([near, far], [], [])[0]:
                data = ready.recv(65536)
                if not data:
                    raise OSError
                other[ready].sendall(data)
    near.close()
    far.close()
