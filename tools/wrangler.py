"""How the other tools call wrangler: this project's own, on this project's own Node."""

import os
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / "node_modules" / ".bin"
WRANGLER = (str(BIN / "node"), str(ROOT / "node_modules" / "wrangler" / "bin" / "wrangler.js"))
ENVIRONMENT = os.environ | {
    "MINIFLARE_WORKERD_PATH": str(ROOT / "tools" / "workerd"),
    "WRANGLER_SEND_METRICS": "false",
    "PATH": f"{BIN}:{os.environ['PATH']}",
}

PRODUCTION = tomllib.loads((ROOT / "wrangler.toml").read_text())
BUNDLE_FLAGS = ("python_workers_development", "experimental")
"""What lets workerd take the Pyodide bundle from disk. No deployment can have these."""
LOCAL_FLAGS = (*PRODUCTION["compatibility_flags"], *BUNDLE_FLAGS)
"""The compatibility flags of Sluice in a local run."""
