"""Run the built Worker on workerd from its snapshot, for tests and the benchmark.

Cloudflare takes such a snapshot when the Worker is deployed, so what cannot be in one (a global
that holds a JavaScript object, randomness at import) fails here as it would fail there.
"""

import argparse
import contextlib
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import serve.build
from serve.build import SNAPSHOT, WORKERD
from serve.config import configuration
from serve.listening import free_port
from serve.options import Options
from serve.stores import DISKS
from upload import FOLDER, build
from wrangler import PRODUCTION, ROOT


@dataclass(frozen=True)
class Native:
    """A folder with a configuration of workerd and the data that it works on."""

    folder: Path
    modules: Path
    port: int

    @property
    def url(self) -> str:
        """Where the gateway answers."""
        return f"http://127.0.0.1:{self.port}"


def configure(
    folder: Path,
    modules: Path,
    variables: Mapping[str, str],
    networks: Sequence[str] = ("public", "private"),
    origins: Sequence[str] = (),
) -> Native:
    """Write a configuration into a folder. It has no secrets, and may be copied."""
    native = Native(folder, modules.resolve(), free_port())
    for disk in DISKS:
        (folder / "data" / disk).mkdir(parents=True, exist_ok=True)
    address = f"127.0.0.1:{native.port}"
    options = Options(
        PRODUCTION,
        modules,
        Path("data"),
        sockets=[{"name": "http", "address": address, "http": {}, "service": "gateway"}],
        variables=variables,
        networks=networks,
        origins=origins,
    )
    (folder / "config.capnp").write_text(configuration(options))
    return native


def save_snapshot(native: Native) -> Path:
    """Take the snapshot. Exits with workerd's words where it fails."""
    return serve.build.save_snapshot(PRODUCTION, native.modules, native.folder)


@contextlib.contextmanager
def serving(native: Native) -> Generator["subprocess.Popen[bytes]", None, None]:
    """Serve from the snapshot until the block ends. workerd's output is in workerd.log."""
    command = [
        *(WORKERD, "serve", "config.capnp", "--experimental", "-I", native.modules),
        *("--python-load-snapshot", SNAPSHOT, "--python-snapshot-dir", "."),
    ]
    with (native.folder / "workerd.log").open("w") as log:
        server = subprocess.Popen(command, cwd=native.folder, stdout=log, stderr=log)
    try:
        yield server
    finally:
        # Killed: a polite end waits for requests that a test may have left hanging.
        server.kill()
        server.wait()


def main() -> int:
    """Build the upload and take a snapshot of it."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    folder = ROOT / "build" / "native"
    folder.mkdir(parents=True, exist_ok=True)
    snapshot = save_snapshot(configure(folder, build(FOLDER).folder, {}))
    print(f"snapshot of {snapshot.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
