"""How the other tools call wrangler: this project's own, on this project's own Node."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / "node_modules" / ".bin"
WRANGLER = (str(BIN / "node"), str(ROOT / "node_modules" / "wrangler" / "bin" / "wrangler.js"))
ENVIRONMENT = os.environ | {
    "MINIFLARE_WORKERD_PATH": str(ROOT / "tools" / "workerd"),
    "WRANGLER_SEND_METRICS": "false",
    "PATH": f"{BIN}:{os.environ['PATH']}",
}

# Only local runs have these: they let workerd take the Pyodide bundle from disk.
LOCAL_FLAGS = (
    "python_workers",
    "python_workers_development",
    "experimental",
    "global_fetch_strictly_public",
)
