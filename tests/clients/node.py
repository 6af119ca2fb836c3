"""Programs for Node, which tell what came of what they were given."""

import json
import subprocess
from pathlib import Path
from typing import Any

from wrangler import BIN


def answer_of(program: Path, **given: object) -> dict[str, Any]:
    """Run a program with a JSON object as its argument, and return the one that it prints."""
    done = subprocess.run(
        [BIN / "node", program, json.dumps(given)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
