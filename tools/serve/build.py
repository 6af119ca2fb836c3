"""The modules of the Worker and the memory snapshot that it starts from.

Both lie in a folder that is named by all that they are made of: a snapshot holds the code itself,
and an old one would run old code without a word.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import upload
from serve.config import bare_configuration
from serve.folder import open_to_all
from serve.report import report
from wrangler import BUNDLE_FLAGS, ROOT

WORKERD = ROOT / "tools" / "workerd"
BUNDLE = ROOT / "build" / "pyodide" / "pyodide_dev.capnp.bin"
FOLDER = ROOT / "build" / "serve"
SNAPSHOT = "snapshot.bin"


@dataclass(frozen=True)
class Build:
    """A folder with modules and a snapshot."""

    folder: Path
    wrangler: dict[str, Any]
    lock: IO[str]

    @property
    def modules(self) -> Path:
        """The folder of the modules."""
        return self.folder / "modules"

    @property
    def arguments(self) -> list[str | Path]:
        """Return what workerd must be told to start from the snapshot."""
        load = ("--python-load-snapshot", SNAPSHOT, "--python-snapshot-dir", self.folder)
        return ["-I", self.modules, *load]


@contextlib.contextmanager
def built(config: Path, folder: Path = FOLDER) -> Generator[Build, None, None]:
    """Yield the build of a `wrangler.toml` and the sources beside it, made now if it is new.

    It stays while the block runs, or who inherits its lock. Others that nobody runs are removed.
    """
    wrangler = tomllib.loads(config.read_text())
    place = folder / _digest(config)
    if place.exists() and not os.access(folder, os.W_OK):
        # An image, or an installation of root's: what was built there stays.
        lock = _shared(place)
    else:
        with open_to_all(), _locked(folder):
            if not place.exists():
                _make(config, wrangler, place)
            lock = _shared(place)
            _remove_others(place)
    with lock:
        yield Build(place, wrangler, lock)


def save_snapshot(wrangler: dict[str, Any], modules: Path, folder: Path) -> Path:
    """Take the snapshot that Cloudflare would take. Exits with workerd's words where it fails."""
    snapshot = folder / SNAPSHOT
    config = folder / "snapshot.capnp"
    config.write_text(bare_configuration(wrangler, modules))
    command = [
        *(WORKERD, "test", config, "--experimental", "-I", modules),
        *("--python-save-snapshot", "--python-snapshot-dir", folder),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    # workerd also says that the Worker has no tests of its own: the file is what counts.
    if not snapshot.exists():
        sys.exit(f"workerd took no snapshot\n{done.stdout}{done.stderr}")
    return snapshot


def _make(config: Path, wrangler: dict[str, Any], place: Path) -> None:
    report("info", "building the Worker and its snapshot: once, until its sources change")
    with tempfile.TemporaryDirectory(dir=place.parent) as temporary:
        whole = Path(temporary) / "whole"
        whole.mkdir()
        upload.build(whole / "modules", config)
        save_snapshot(wrangler, whole / "modules", whole)
        (whole / "lock").touch()
        whole.rename(place)


def _digest(config: Path) -> str:
    """Return a name that changes with the sources, their packages, the flags, or the runtime."""
    digest = hashlib.sha256(" ".join([*BUNDLE_FLAGS, _version()]).encode())
    for file in (config, BUNDLE, *_sources(config.parent)):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        digest.update(f"{os.path.relpath(file, config.parent)}\0{content}\0".encode())
    return digest.hexdigest()[:16]


def _sources(root: Path) -> Iterator[Path]:
    for folder in (root / "src", root / "python_modules"):
        for file in sorted(folder.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                yield file


def _version() -> str:
    try:
        return subprocess.run(
            [WORKERD, "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        sys.exit("workerd is not there, or does not run on this machine. Run `make setup`")


def _remove_others(place: Path) -> None:
    for other in place.parent.iterdir():
        if other == place or not (other / "lock").exists():
            continue
        with (other / "lock").open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue  # another node runs from it
            shutil.rmtree(other)


def _locked(folder: Path) -> IO[str]:
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK):
        sys.exit(f"The Worker is not built, and cannot be in {folder}, which cannot be written to")
    lock = (folder / "lock").open("a")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def _shared(place: Path) -> IO[str]:
    lock = (place / "lock").open()
    fcntl.flock(lock, fcntl.LOCK_SH)
    return lock
