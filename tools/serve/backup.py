"""Back up the data of `make serve`, also while it runs, and restore it.

A backup holds everything that STATE holds: databases, cached answers, and the secrets that were
made (`admin-token`, `encryption-key`). Whoever has it has all of that. docs/operate.md tells more.
"""

import argparse
import contextlib
import os
import shutil
import sqlite3
import sys
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from serve.folder import KIND, SINGLE, make_private
from serve.report import report
from serve.settings import state_of

SECRETS = ("admin-token", "encryption-key")
_DATABASE = ".sqlite"
_LOGS = (".sqlite-wal", ".sqlite-shm")
"""What a database has beside it. A copy of the database holds what they hold."""


def save(state: Path, file: Path) -> None:
    """Write a backup of a folder of data. Exits where there is none, or something is in the way."""
    if not (state / KIND).exists():
        sys.exit(f"STATE is {state}, which holds no data of make serve")
    if (state / KIND).read_text().strip() != SINGLE:
        rule = "Back up the bucket: docs/cluster.md tells how"
        sys.exit(f"STATE is {state}, whose data is in a bucket. {rule}")
    if file.exists():
        sys.exit(f"{file} is there already. Nothing was written")
    try:
        # Only its owner can look into it, nor into what comes of it.
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=".sluice-backup-") as folder:
            copy = Path(folder) / "state"
            _copy(state, copy)
            archive = Path(folder) / "archive"
            _pack(copy, archive)
            archive.rename(file)
    except (OSError, sqlite3.Error) as error:
        sys.exit(f"{state} cannot be backed up to {file}: {error}")
    report("info", "backed up", state=str(state), file=str(file), bytes=file.stat().st_size)


def restore(file: Path, state: Path) -> None:
    """Unpack a backup into a folder that is empty or not there. Exits where it cannot be used."""
    if state.exists() and any(state.iterdir()):
        sys.exit(f"STATE is {state}, which is not empty. Restore into an empty folder")
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The folder may be the root of a volume: what is unpacked is moved within it.
        with tempfile.TemporaryDirectory(dir=state, prefix=".restore-") as folder:
            _unpack(file, Path(folder))
            for each in Path(folder).iterdir():
                each.rename(state / each.name)
    except (OSError, EOFError, zlib.error, tarfile.TarError, sqlite3.Error) as error:
        sys.exit(f"{file} cannot be restored: {error}")
    report("info", "restored", state=str(state), file=str(file))


def _copy(state: Path, copy: Path) -> None:
    copy.mkdir()
    for name in (KIND, *SECRETS):
        if (state / name).exists():
            shutil.copy2(state / name, copy / name)
    # Databases first: what they refer to among the other files is then there, or was deleted since.
    files = sorted(_files(state / "data"), key=lambda each: each.suffix != _DATABASE)
    for file in files:
        target = copy / file.relative_to(state)
        target.parent.mkdir(parents=True, exist_ok=True)
        # What is deleted meanwhile, like the answers that the cache forgets, is not backed up.
        with contextlib.suppress(FileNotFoundError):
            _copy_file(file, target)


def _copy_file(file: Path, target: Path) -> None:
    if file.suffix != _DATABASE:
        shutil.copy2(file, target)
        return
    if not file.exists():
        raise FileNotFoundError(file)
    source = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)
    with contextlib.closing(source), contextlib.closing(sqlite3.connect(target)) as made:
        source.backup(made)
    _check(target)


def _files(folder: Path) -> Iterator[Path]:
    for file in folder.rglob("*"):
        if file.is_file() and file.suffix not in _LOGS:
            yield file


def _pack(copy: Path, archive: Path) -> None:
    archive.touch(mode=0o600)
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        for each in sorted(copy.iterdir()):
            tar.add(each, each.name)


def _unpack(file: Path, folder: Path) -> None:
    with tarfile.open(file) as tar:
        for member in tar:
            _unpack_one(tar, member, folder)
    if not (folder / KIND).exists():
        raise tarfile.TarError("it is no backup of make serve")
    for database in folder.rglob(f"*{_DATABASE}"):
        _check(database)


def _unpack_one(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    # Not `extractall`: what keeps its members in the folder came with Python 3.11.4.
    name, content = PurePosixPath(member.name), tar.extractfile(member)
    if name.is_absolute() or ".." in name.parts or not (member.isdir() or member.isfile()):
        raise tarfile.TarError(f"{member.name} is nothing that a backup holds")
    place = folder / name
    if content is None:
        place.mkdir(parents=True, exist_ok=True)
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    with content, place.open("xb") as target:
        shutil.copyfileobj(content, target)


def _check(database: Path) -> None:
    connection = sqlite3.connect(f"{database.as_uri()}?immutable=1", uri=True)
    with contextlib.closing(connection):
        (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if found != "ok":
        raise sqlite3.DatabaseError(f"{database.name} is damaged: {found}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="make backup", description=__doc__)
    parser.add_argument("action", choices=("save", "restore"))
    parser.add_argument("file", type=Path, help="the backup; STATE names the folder of the data")
    options = parser.parse_args(arguments)
    make_private()
    state, file = state_of(os.environ), options.file.resolve()
    try:
        if options.action == "save":
            save(state, file)
        else:
            restore(file, state)
    except OSError as error:
        sys.exit(f"STATE is {state}, which cannot be used: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
