"""The folder of the data: one kind of node works on it, and one at a time."""

import contextlib
import fcntl
import os
import secrets
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from serve.stores import DISKS

SINGLE = "single"
"""The kind of a node that is alone with its data."""
WORKERS = "workers"
"""The kind of several nodes on one machine, with a bucket in the folder."""
CLUSTER = "cluster"
"""The kind of nodes that share a bucket elsewhere."""
_HOW = {
    SINGLE: "one process alone, without WORKERS and BUCKET",
    WORKERS: "WORKERS=2 or more, without BUCKET",
    CLUSTER: "a BUCKET",
}
KIND = "kind"
"""The file that says of which kind of node the data are."""


@dataclass(frozen=True)
class Folder:
    """A folder that is ours until `lock` is closed, in this process and those that inherit it."""

    path: Path
    lock: IO[str]

    @property
    def disks(self) -> Path:
        """Where the stores have their folders."""
        return self.path / "data"

    def part(self, name: str) -> "Folder":
        """Return a folder in it, made if it is not there, for a node of its own."""
        path = self.path / name
        _make_disks(path)
        return Folder(path, self.lock)

    def kept(self, name: str) -> str:
        """Return a secret that is made once."""
        file = self.path / name
        if not file.exists():
            write_private(file, secrets.token_urlsafe(32) + "\n")
        return file.read_text().strip()

    def configured(self, name: str, text: str) -> Path:
        """Write a configuration, and return its file."""
        file = self.path / name
        write_private(file, text)
        return file


def make_private() -> None:
    """Let only the user read what this process, and those it starts, make from now on.

    Logs are not encrypted, and a folder that was there before may be open to others.
    """
    os.umask(0o077)


@contextlib.contextmanager
def open_to_all() -> Generator[None, None, None]:
    """Let everybody read what the block makes: programs, which are no secret."""
    usual = os.umask(0o022)
    try:
        yield
    finally:
        os.umask(usual)


def claim(path: Path, kind: str = SINGLE) -> Folder:
    """Make a folder ours. Exits where it cannot be, or is another's."""
    try:
        return _claim(path, kind)
    except OSError as error:
        sys.exit(f"STATE is {path}, which cannot be used: {error}")


def _claim(path: Path, kind: str) -> Folder:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = (path / "lock").open("a+")
    _take(lock, path)
    marker = path / KIND
    found = marker.read_text().strip() if marker.exists() else kind
    if found != kind:
        sys.exit(
            f"STATE is {path}, whose data is that of {_HOW.get(found, found)}. This run is "
            f"{_HOW[kind]}, and would not find it. Use another folder, or run as before: "
            "docs/cluster.md tells how to move"
        )
    if not marker.exists():
        write_private(marker, f"{kind}\n")
    if kind == SINGLE:
        _make_disks(path)
    return Folder(path, lock)


def _make_disks(path: Path) -> None:
    for disk in DISKS:
        (path / "data" / disk).mkdir(parents=True, exist_ok=True, mode=0o700)


def _take(lock: IO[str], path: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        who = _who_works(path / "lock", lock.read().strip())
        sys.exit(f"STATE is {path}, which process {who} works on already")
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()


def _who_works(lock: Path, noted: str) -> str:
    """Return the id of the process that has a lock: the noted one, or what it left behind."""
    found = {
        opened.parts[2]
        for opened in Path("/proc").glob("[0-9]*/fd/*")
        if _leads_to(opened, lock) and opened.parts[2] != str(os.getpid())
    }
    return noted if noted in found or not found else ", ".join(sorted(found))


def _leads_to(link: Path, file: Path) -> bool:
    try:
        return link.readlink() == file
    except OSError:
        return False  # closed meanwhile, or another user's


def write_private(file: Path, text: str) -> None:
    """Write a file that nobody else may read, as a whole or not at all."""
    new = file.with_name(f".{file.name}.new")
    new.touch(mode=0o600)
    new.write_text(text)
    new.replace(file)
