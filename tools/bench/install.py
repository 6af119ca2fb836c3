"""What Sluice is compared with, installed into a folder that git ignores, as the lock files say."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from wrangler import BIN, ENVIRONMENT, ROOT

FOLDER = ROOT / "build" / "bench"
PYTHON_LOCK = ROOT / "locks" / "bench.txt"
NODE_LOCK = ROOT / "tools" / "bench" / "peers" / "package-lock.json"


def python_peers() -> Path:
    """Install those of PyPI, and return the folder of their programs."""
    folder = FOLDER / "python"
    if _is_old(folder, PYTHON_LOCK):
        say("installing the peers of PyPI …")
        _run([sys.executable, "-m", "venv", "--clear", folder])
        pip = [
            folder / "bin" / "python",
            "-m",
            "pip",
            "install",
            "-qq",
            "--disable-pip-version-check",
        ]
        _run([*pip, "--no-deps", "--require-hashes", "-r", PYTHON_LOCK])
        _mark(folder)
    return folder / "bin"


def node_peers() -> Path:
    """Install those of npm, and return their node_modules."""
    folder = FOLDER / "node"
    if _is_old(folder, NODE_LOCK):
        say("installing the peers of npm …")
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            (folder / name).write_bytes((NODE_LOCK.parent / name).read_bytes())
        _run(["npm", "install", "--no-audit", "--no-fund", "--loglevel=error"], folder)
        _mark(folder)
    return folder / "node_modules"


def node() -> Path:
    """Return this project's own Node."""
    return BIN / "node"


def say(text: str) -> None:
    """Tell what is done, where it does not mix with the table."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def _is_old(folder: Path, lock: Path) -> bool:
    ready = folder / ".ready"
    return not ready.exists() or ready.stat().st_mtime < lock.stat().st_mtime


def _mark(folder: Path) -> None:
    (folder / ".ready").touch()


def _run(command: Sequence[str | Path], folder: Path = ROOT) -> None:
    done = subprocess.run(
        command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"bench: {' '.join(map(str, command[:4]))} failed\n{done.stdout}{done.stderr}")
