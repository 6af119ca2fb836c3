"""The event loop in Pyodide, which Node runs as well as workerd does."""

import json
import subprocess
from pathlib import Path

from running import ROOT

NODE = ROOT / "node_modules" / ".bin" / "node"
SCRIPT = Path(__file__).with_name("loop.mjs")


def test_a_task_that_wakes_another_goes_on_first_and_one_that_a_promise_wakes_goes_on_at_once() -> (
    None
):
    pyodide = ROOT / "node_modules" / "pyodide"

    done = subprocess.run(
        [NODE, SCRIPT, pyodide, ROOT / "src"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert not done.stderr
    assert json.loads(done.stdout) == [["goes on", "woken"], ["woken", "later"]]
