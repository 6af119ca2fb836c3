"""What is taken out of a backup, and what is not."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from serve.backup import restore
from serve.folder import KIND, SINGLE


def archive(file: Path, *members: tarfile.TarInfo) -> Path:
    """Write a backup that has these members beside what each one has."""
    kind = tarfile.TarInfo(KIND)
    kind.size, content = len(SINGLE), io.BytesIO(SINGLE.encode())
    with tarfile.open(file, "w:gz") as tar:
        tar.addfile(kind, content)
        for member in members:
            tar.addfile(member)
    return file


def a_link(kind: bytes, target: str) -> tarfile.TarInfo:
    link = tarfile.TarInfo("link")
    link.type, link.linkname = kind, target
    return link


def a_pipe() -> tarfile.TarInfo:
    pipe = tarfile.TarInfo("pipe")
    pipe.type = tarfile.FIFOTYPE
    return pipe


@pytest.mark.parametrize(
    "made",
    [
        lambda: tarfile.TarInfo("../out"),
        lambda: tarfile.TarInfo("data/../../out"),
        lambda: tarfile.TarInfo("/tmp/out"),
        lambda: a_link(tarfile.SYMTYPE, "kind"),
        lambda: a_link(tarfile.LNKTYPE, "kind"),
        a_pipe,
        lambda: tarfile.TarInfo(KIND),
    ],
    ids=["above", "above by a way round", "root's", "link", "hard link", "pipe", "twice"],
)
def test_a_backup_with_what_none_holds_is_refused_and_leaves_the_folder_empty(
    tmp_path: Path, made: Callable[[], tarfile.TarInfo]
) -> None:
    file, state = archive(tmp_path / "backup", made()), tmp_path / "deep" / "state"

    with pytest.raises(SystemExit, match="cannot be restored"):
        restore(file, state)

    assert not list(state.iterdir())
    assert {each.name for each in tmp_path.rglob("*")} == {"backup", "deep", "state"}


def test_files_and_folders_are_restored(tmp_path: Path) -> None:
    folder = tarfile.TarInfo("data/empty")
    folder.type = tarfile.DIRTYPE
    file = archive(tmp_path / "backup", tarfile.TarInfo("./data/kv/file"), folder)

    restore(file, tmp_path / "state")

    found = {str(each.relative_to(tmp_path / "state")) for each in tmp_path.glob("state/**/*")}
    assert found == {"data", "data/empty", "data/kv", "data/kv/file", "kind"}
