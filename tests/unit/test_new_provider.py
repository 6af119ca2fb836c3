"""What it takes to add a provider that speaks a known dialect: one file, and one fixture."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fakes import ROOT

SOURCE = '''\
"""A vendor that nobody has heard of."""

from dialects.openai import OPENAI
from providers.base import Provider, chat

PROVIDER = Provider(
    base_url="https://api.brand-new.example/v1",
    docs="https://docs.brand-new.example",
    dialect=OPENAI,
    prefixes=("v1",),
    example=chat("chat/completions", "new-1"),
)
'''
FIXTURE: dict[str, Any] = {
    "docs": "https://docs.brand-new.example",
    "urls": {"v1/chat/completions": "https://api.brand-new.example/v1/chat/completions"},
    "forwarded": ["authorization"],
    "path": "chat/completions",
    "request": {"model": "new-1", "messages": []},
    "model": "new-1",
    "whole": {"model": "new-1", "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
    "report": {"model": "new-1", "usage": {"tokens_in": 3, "tokens_out": 2}},
    "errors": [
        {
            "status": 429,
            "body": {"error": {"message": "Slow", "code": "slow"}},
            "failure": {"code": "slow", "message": "Slow", "retryable": True},
        }
    ],
}
JOURNEY = """\
from fakes import Bench, a_request, an_answer


async def test_a_request_reaches_it(bench: Bench) -> None:
    bench.fetch.script.append(an_answer('{"usage":{"prompt_tokens":3}}'))
    url = "https://sluice.test/v1/acme/main/brand-new/v1/chat/completions"

    reply = await bench.handle(a_request(url=url))

    assert reply.status == 200
    assert bench.fetch.sent[0].url == "https://api.brand-new.example/v1/chat/completions"
    assert bench.database.rows("logs")[0]["tokens_in"] == 3
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a copy of the project."""
    files = ("schema.sql", "pyproject.toml", "wrangler.toml")
    for name in ("src", "tests", "tools", "docs", "migrations", *files):
        source, copy = ROOT / name, tmp_path / name
        if source.is_dir():
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy)
    return tmp_path


def run(project: Path, *command: str) -> None:
    done = subprocess.run(
        [sys.executable, *command], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_new_provider_is_one_file_and_one_fixture(project: Path) -> None:
    (project / "src" / "providers" / "brand_new.py").write_text(SOURCE)
    (project / "tests" / "providers" / "brand-new.json").write_text(json.dumps(FIXTURE))
    (project / "tests" / "unit" / "test_journey.py").write_text(JOURNEY)

    run(project, "tools/providers_page.py")
    tests = ("test_architecture", "test_provider_fixtures", "test_providers", "test_journey")
    files = [f"tests/unit/{name}.py" for name in tests]
    run(project, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files)

    assert "`brand-new`" in (project / "docs" / "providers.md").read_text()
