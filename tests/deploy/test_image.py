"""The container's image, made in a folder: it runs from what is copied there, and nothing else."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from deploy.containerfile import Instruction, environment, last_stage
from running import PRINTED, ROOT, until
from serve.listening import free_port

WORKDIR = "/opt/sluice/"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with what the last stage copies, which nobody may write to."""
    tools = {"PYTHONPATH": str(ROOT / "tools")}
    subprocess.run([sys.executable, "-m", "serve", "--prepare"], env=os.environ | tools, check=True)
    folder = tmp_path_factory.mktemp("image")
    for instruction in last_stage():
        if instruction.name == "COPY":
            copy(instruction, folder)
    allow(folder, 0o555)
    yield folder
    allow(folder, 0o755)


def copy(instruction: Instruction, folder: Path) -> None:
    """Do what COPY does. The stage before is this project, set up and prepared."""
    *sources, target = (word for word in instruction.words if not word.startswith("--"))
    for source in sources:
        file = ROOT / source.removeprefix(WORKDIR)
        place = folder / target / file.name if target.endswith("/") else folder / target
        place.parent.mkdir(parents=True, exist_ok=True)
        if file.is_dir():
            shutil.copytree(file, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(file, place)


def allow(folder: Path, mode: int) -> None:
    for each in (folder, *folder.rglob("*")):
        if each.is_dir():
            each.chmod(mode)


def python(*arguments: str | Path) -> list[str | Path]:
    """Return the command of a Python with its own library alone, as the image has it."""
    own = [f"{sys.base_prefix}/bin/python3", "-S", *arguments]
    # Root may write wherever it likes, unless this is taken from it.
    bounds = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
    return own if os.getuid() else bounds + own


def command(kind: str) -> list[str | Path]:
    """Return the command of an instruction."""
    (found,) = (each for each in last_stage() if each.name == kind)
    program, *arguments = json.loads(found.text[found.text.index("[") :])
    assert program == "python"
    return python(*arguments)


def backup(image: Path, state: Path, action: str, file: Path) -> None:
    own = {"STATE": str(state), "PATH": "/usr/bin:/bin"}
    asked = python("-m", "serve.backup", action, file)
    subprocess.run(asked, cwd=image, env=environment() | own, check=True)


def test_the_image_serves_from_what_is_copied_into_it_and_builds_nothing(
    image: Path, tmp_path: Path
) -> None:
    port, state, saved = free_port(), tmp_path / "data", tmp_path / "backup"
    own = {"HOST": "127.0.0.1", "PORT": str(port), "STATE": str(state)}
    given = environment() | own | {"PATH": "/usr/bin:/bin"}
    printed = tmp_path / PRINTED

    def probe() -> bool:
        asked = subprocess.run(command("HEALTHCHECK"), cwd=image, env=given, check=False)
        return asked.returncode == 0

    assert not probe()
    with printed.open("w") as output:
        server = subprocess.Popen(
            command("ENTRYPOINT"), cwd=image, env=given, stdout=output, stderr=output
        )
    try:
        until(lambda: '"ready"' in printed.read_text() or server.poll(), "the gateway")
        assert server.poll() is None, printed.read_text()
        assert probe()
        assert httpx.get(f"http://127.0.0.1:{port}/healthz").json()["status"] == "ok"
        assert "building" not in printed.read_text()
        backup(image, state, "save", saved)
    finally:
        server.terminate()
        assert server.wait(40) == 0
    backup(image, tmp_path / "restored", "restore", saved)
    assert (tmp_path / "restored" / "admin-token").read_text() == (
        state / "admin-token"
    ).read_text()


def test_an_image_without_the_build_of_its_sources_says_so(image: Path, tmp_path: Path) -> None:
    other = tmp_path / "wrangler.toml"
    other.write_text((image / "wrangler.toml").read_text() + "\n# Changed.\n")
    asked = [*command("ENTRYPOINT"), "--prepare", "--config", other]

    done = subprocess.run(
        asked,
        cwd=image,
        env=environment() | {"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (1, "")
    assert "The Worker is not built" in done.stdout
