"""The management API does what its OpenAPI document says: asked by a program that has read it."""

import subprocess
import sys
from pathlib import Path

from running import Gateway

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


def test_no_request_is_answered_as_the_document_does_not_say(
    gateway: Gateway, tmp_path: Path
) -> None:
    # In an account of its own, where it may delete what it likes.
    url = f"{gateway.url}/client/v4/accounts/strangers/ai-gateway/openapi.json"
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", url),
        *("--header", f"authorization: Bearer {gateway.admin_token}"),
        *("--phases", "fuzzing,stateful", "--max-examples", "6", "--checks", ",".join(CHECKS)),
        *("--generation-deterministic", "--no-color"),
    ]

    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
