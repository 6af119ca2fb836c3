"""A newer version on the folder of an older one, and back."""

import shutil
from pathlib import Path

import httpx
import pytest

from health import SCHEMA_VERSION
from running import MAKE_SERVE, ROOT, Gateway, open_default, post, started

BODY = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture
def newer(tmp_path: Path) -> list[str | Path]:
    """The command of a version with one more migration, and code that needs it."""
    folder = tmp_path / "newer"
    skipped = shutil.ignore_patterns("__pycache__")
    for name in ("src", "migrations"):
        shutil.copytree(ROOT / name, folder / name, ignore=skipped)
    (folder / "python_modules").symlink_to(ROOT / "python_modules")
    shutil.copy2(ROOT / "wrangler.toml", folder)
    added = folder / "migrations" / f"{SCHEMA_VERSION + 1:04}_added.sql"
    added.write_text("ALTER TABLE logs ADD COLUMN added TEXT;\n")
    health = folder / "src" / "health.py"
    health.write_text(
        health.read_text().replace(
            f"SCHEMA_VERSION = {SCHEMA_VERSION}", f"SCHEMA_VERSION = {SCHEMA_VERSION + 1}"
        )
    )
    return [*MAKE_SERVE, "--config", folder / "wrangler.toml"]


def answered(gateway: Gateway) -> httpx.Response:
    answer = post(f"{gateway.openai}/script/json_answer", json=BODY, timeout=30)
    assert gateway.row_of(answer)["success"]
    return answer


def test_a_newer_version_migrates_the_folder_of_an_older_one_which_still_runs_on_it(
    tmp_path: Path,
    command: list[str | Path],
    newer: list[str | Path],
    variables: dict[str, str],
) -> None:
    state = tmp_path / "state"
    state.mkdir()
    with started(command, state, **variables) as (gateway, _):
        open_default(gateway)
        first = answered(gateway)

    with started(newer, state, **variables) as (gateway, _):
        schema = httpx.get(f"{gateway.url}/healthz").json()["schema"]
        assert schema == {"version": SCHEMA_VERSION + 1, "expected": SCHEMA_VERSION + 1}
        assert gateway.row_of(first)
        second = answered(gateway)

    with started(command, state, **variables) as (gateway, _):
        assert gateway.row_of(first)
        assert gateway.row_of(second)
        answered(gateway)
