"""The management API does what its OpenAPI document says: asked by a program that has read it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from running import Gateway
from worker.seeded import seeded

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
    "use_after_free",
)
# What a list shows is asked for, and deleted, by the last phase alone: others need it until then.
SETTINGS = """
[phases.examples.extra-data-sources]
responses = false
[phases.fuzzing.extra-data-sources]
responses = false
"""
ENDLESS = "/gateways/{gateway}/logs/tail"
"""A stream that is not over before its reader leaves: nobody can wait for its end."""


def test_no_request_is_answered_as_the_document_does_not_say(
    gateway: Gateway, tmp_path: Path
) -> None:
    # In an account of its own, where it may delete what it likes.
    seeds = seeded(gateway, "strangers")
    authorization = f"Bearer {gateway.admin_token}"
    answer = httpx.get(f"{seeds.url}/openapi.json", headers={"authorization": authorization})
    document = answer.json()
    (tmp_path / "document.json").write_text(json.dumps(seeds.known_to(document)))
    (tmp_path / "schemathesis.toml").write_text(SETTINGS)
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", "document.json", "--url", seeds.url),
        *("--header", f"authorization: {authorization}"),
        *("--phases", "examples,fuzzing,stateful", "--max-examples", "6"),
        *("--checks", ",".join(CHECKS), "--exclude-path", ENDLESS),
        *("--report-ndjson-path", "report", "--generation-deterministic", "--no-color"),
    ]

    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert operations(document) - set(succeeded(tmp_path / "report")) == {("GET", ENDLESS)}


def operations(document: dict[str, Any]) -> set[tuple[str, str]]:
    """Return the methods and paths of a document."""
    paths = document["paths"].items()
    return {(key.upper(), path) for path, keys in paths for key in keys if key != "parameters"}


def succeeded(report: Path) -> Iterator[tuple[str, str]]:
    """Yield the method and path of what was asked for, and done."""
    for line in report.read_text().splitlines():
        recorder = json.loads(line).get("ScenarioFinished", {}).get("recorder", {})
        for name, case in recorder.get("cases", {}).items():
            answer = recorder["interactions"].get(name, {}).get("response")
            if answer and 200 <= answer["status_code"] < 300:
                yield case["value"]["method"], case["value"]["path"]
