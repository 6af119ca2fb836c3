"""Run the built Worker on workerd itself, without wrangler, from a memory snapshot.

Cloudflare takes such a snapshot when the Worker is deployed, so what cannot be in one (a global
that holds a JavaScript object, randomness at import) fails here as it would fail there.
"""

import argparse
import contextlib
import json
import subprocess
import sys
import tomllib
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

from demo import free_port
from upload import FOLDER, build
from wrangler import LOCAL_FLAGS, ROOT

WORKERD = ROOT / "tools" / "workerd"
SNAPSHOT = "snapshot.bin"
DISKS = ("do", "kv", "kv-blobs", "d1")

# Every service is one of workerd's own: KV and D1 are Workers whose source is in the binary.
CONFIG = """\
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "gateway", worker = .gateway),
    (name = "kv", worker = .kv),
    (name = "d1", worker = .d1),
    %(disks)s,
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:%(port)d", http = (), service = "gateway")],
);

const gateway :Workerd.Worker = (
  compatibilityDate = %(date)s,
  compatibilityFlags = %(flags)s,
  modules = [
    %(modules)s,
  ],
  bindings = [
    (name = "CACHE", kvNamespace = (name = "kv", props = (json = "{\\"namespace\\":\\"cache\\"}"))),
    (name = "CONFIG", kvNamespace =
      (name = "kv", props = (json = "{\\"namespace\\":\\"config\\"}"))),
    (name = "DB", wrapped = (
      moduleName = "cloudflare-internal:d1-api",
      innerBindings = [
        (name = "fetcher", service = (name = "d1", props = (json = "{\\"database\\":\\"db\\"}"))),
      ])),
    %(bindings)s
    %(variables)s
  ],
  durableObjectNamespaces = [
    %(classes)s
  ],
  durableObjectStorage = (localDisk = "do-disk"),
);

const kv :Workerd.Worker = (
  modules = [(name = "kv.js", bundled = "/workerd/kv.js")],
  compatibilityDate = "2026-01-01",
  bindings = [
    (name = "SHARD", durableObjectNamespace = "KVNamespace"),
    (name = "BLOBS", service = "kv-blobs-disk"),
  ],
  durableObjectNamespaces = [
    (className = "KVNamespace", uniqueKey = "sluice-kv", enableSql = true),
  ],
  durableObjectStorage = (localDisk = "kv-disk"),
);

const d1 :Workerd.Worker = (
  modules = [(name = "d1.js", bundled = "/workerd/d1.js")],
  compatibilityDate = "2026-01-01",
  bindings = [(name = "DATABASE", durableObjectNamespace = "D1Database")],
  durableObjectNamespaces = [
    (className = "D1Database", uniqueKey = "sluice-d1", enableSql = true),
  ],
  durableObjectStorage = (localDisk = "d1-disk"),
);
"""


@dataclass(frozen=True)
class Native:
    """A folder with a configuration of workerd and the data that it works on."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        """Where the gateway answers."""
        return f"http://127.0.0.1:{self.port}"


def configure(folder: Path, modules: Path, variables: Mapping[str, str]) -> Native:
    """Write a configuration into a folder."""
    native = Native(folder, free_port())
    for disk in DISKS:
        (folder / "data" / disk).mkdir(parents=True, exist_ok=True)
    # `embed` wants paths below the configuration.
    with contextlib.suppress(FileExistsError):
        (folder / "modules").symlink_to(modules.resolve(), target_is_directory=True)
    production = tomllib.loads((ROOT / "wrangler.toml").read_text())
    objects = production["durable_objects"]["bindings"]
    text = CONFIG % {
        "port": native.port,
        "date": json.dumps(production["compatibility_date"]),
        "flags": json.dumps(LOCAL_FLAGS),
        "disks": ",\n    ".join(_disk(name) for name in DISKS),
        "modules": ",\n    ".join(_module(modules, file) for file in _files(modules)),
        "bindings": "\n    ".join(
            f'(name = "{each["name"]}", durableObjectNamespace = "{each["class_name"]}"),'
            for each in objects
        ),
        "classes": "\n    ".join(_class(each["class_name"]) for each in objects),
        "variables": "\n    ".join(
            f"(name = {json.dumps(name)}, text = {json.dumps(value)}),"
            for name, value in variables.items()
        ),
    }
    (folder / "config.capnp").write_text(text)
    return native


def _class(name: str) -> str:
    return f'(className = "{name}", uniqueKey = "sluice-{name}", enableSql = true),'


def _disk(name: str) -> str:
    return f'(name = "{name}-disk", disk = (path = "data/{name}", writable = true))'


def _files(modules: Path) -> list[Path]:
    # The first module is the main one.
    files = sorted(file for file in modules.rglob("*") if file.is_file())
    return sorted(files, key=lambda file: file != modules / "entry.py")


def _module(modules: Path, file: Path) -> str:
    kind = {".py": "pythonModule", ".js": "esModule", ".mjs": "esModule"}.get(file.suffix, "data")
    name = file.relative_to(modules).as_posix()
    return f"(name = {json.dumps(name)}, {kind} = embed {json.dumps('modules/' + name)})"


def save_snapshot(native: Native) -> Path:
    """Take the snapshot that Cloudflare would take. Exits with workerd's words where it fails."""
    snapshot = native.folder / SNAPSHOT
    snapshot.unlink(missing_ok=True)
    command = [
        *(WORKERD, "test", "config.capnp", "--experimental"),
        *("--python-save-snapshot", "--python-snapshot-dir", "."),
    ]
    done = subprocess.run(command, cwd=native.folder, capture_output=True, text=True, check=False)
    # workerd also says that the Worker has no tests of its own: the file is what counts.
    if not snapshot.exists():
        sys.exit(f"native: workerd took no snapshot\n{done.stdout}{done.stderr}")
    return snapshot


@contextlib.contextmanager
def serving(native: Native) -> Generator["subprocess.Popen[bytes]", None, None]:
    """Serve from the snapshot until the block ends. workerd's output is in workerd.log."""
    command = [
        *(WORKERD, "serve", "config.capnp", "--experimental"),
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
