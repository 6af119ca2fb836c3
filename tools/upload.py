"""Build what `wrangler deploy` would upload, without uploading it, and check its size."""

import argparse
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from wrangler import ENVIRONMENT, ROOT, WRANGLER

FOLDER = ROOT / "build" / "upload"
LIMIT_KIB = 3 * 1024
"""Gzipped. The platform takes more; what is larger starts later."""


@dataclass(frozen=True)
class Upload:
    """What would be uploaded."""

    folder: Path
    modules: int
    kib: float
    gzipped_kib: float


def build(folder: Path = FOLDER, config: Path = ROOT / "wrangler.toml") -> Upload:
    """Write the modules into a folder, replacing what was there. Exits where wrangler fails."""
    shutil.rmtree(folder, ignore_errors=True)
    command = [*WRANGLER, "deploy", "--dry-run", "--config", config, "--outdir", folder]
    done = subprocess.run(
        command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    sizes = re.search(r"Total Upload: ([\d.]+) KiB / gzip: ([\d.]+) KiB", done.stdout)
    if done.returncode or sizes is None:
        sys.exit(f"upload: wrangler deploy --dry-run failed\n{done.stdout}{done.stderr}")
    (folder / "README.md").unlink(missing_ok=True)  # wrangler's own, not part of the upload
    modules = sum(1 for file in folder.rglob("*") if file.is_file())
    return Upload(folder, modules, float(sizes[1]), float(sizes[2]))


def main() -> int:
    """Build and report. Returns 1 where the upload is too large."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    upload = build()
    print(
        f"{upload.modules} modules, {upload.kib:.0f} KiB, gzipped {upload.gzipped_kib:.0f} KiB "
        f"(limit {LIMIT_KIB} KiB)"
    )
    return int(upload.gzipped_kib > LIMIT_KIB)


if __name__ == "__main__":
    sys.exit(main())
