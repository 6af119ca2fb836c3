"""What the bucket of this machine is started with."""

import os
import subprocess
import sys
from pathlib import Path

from running import ROOT


def test_a_bucket_is_not_told_the_secrets_of_the_gateway(tmp_path: Path) -> None:
    program = tmp_path / "weed"
    program.write_text("#!/bin/sh\nexec env\n")
    program.chmod(0o700)
    (tmp_path / "bucket").mkdir()
    # The environment is that of a process of its own: secrets are not set in this one.
    started = (
        "import sys; from pathlib import Path; from serve.bucket import Bucket; "
        f"Bucket(Path({str(tmp_path / 'bucket')!r}), Path({str(program)!r}), 1).start().wait()"
    )
    secret = {"ADMIN_TOKEN": "secret-1", "ENCRYPTION_KEY": "secret-2", "PYTHONPATH": "tools"}

    subprocess.run([sys.executable, "-c", started], cwd=ROOT, env=os.environ | secret, check=True)

    told = (tmp_path / "bucket" / "log").read_text()
    assert f"PATH={os.environ['PATH']}" in told
    assert "secret" not in told


def test_to_prepare_says_what_cannot_be_used(tmp_path: Path) -> None:
    asked = [sys.executable, "-m", "serve", "--prepare", "--config", str(tmp_path / "none.toml")]
    told = {"WORKERS": "two", "PYTHONPATH": "tools"}

    done = subprocess.run(
        asked, cwd=ROOT, env=os.environ | told, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "WORKERS is 'two'" in done.stdout + done.stderr
