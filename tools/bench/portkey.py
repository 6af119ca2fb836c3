"""Portkey's gateway on Node, and LLMOps, its descendant, on workerd.

Both are told by headers of each request where it goes. Portkey's package has no cache: what serves
its cache is not part of it.
"""

import json
import subprocess
import sys
from pathlib import Path

from bench.ends import Upstream
from bench.install import node, node_peers
from bench.process import Program
from bench.sites import KEY, Door, Feature, Site
from bench.workerd import Worker, serving
from serve.listening import free_port
from wrangler import ENVIRONMENT, WRANGLER

PATH = "/v1/chat/completions"
LLMOPS_WORKER = """\
import app from "@llmops/gateway";
export default { fetch: app.fetch };
"""


def portkey(folder: Path, upstream: Upstream) -> Site:
    """Set up Portkey."""
    server = node_peers() / "@portkey-ai" / "gateway" / "build" / "start-server.js"
    port = free_port()
    # It says nothing of single requests unless it shows its console.
    program = Program(
        [node(), server, f"--port={port}", "--headless"], folder, {"NODE_ENV": "production"}
    )
    doors = _doors("portkey", port, upstream)
    del doors[Feature.CACHE]
    return Site([program], doors)


def llmops(folder: Path, upstream: Upstream) -> Site:
    """Set up LLMOps."""
    _bundle(folder)
    port = Worker("entry.js").configure(folder, {})
    return Site([serving(folder)], _doors("llmops", port, upstream))


def _bundle(folder: Path) -> None:
    (folder / "entry.mjs").write_text(LLMOPS_WORKER)
    with_modules = folder / "node_modules"
    with_modules.unlink(missing_ok=True)
    with_modules.symlink_to(node_peers(), target_is_directory=True)
    command = [
        *(*WRANGLER, "deploy", "entry.mjs", "--dry-run", "--outdir", folder, "--name", "llmops"),
        *("--compatibility-date", "2026-11-01", "--compatibility-flags", "nodejs_compat"),
        # It makes a `require` from its own address, which a Worker has not.
        *("--define", 'import.meta.url:"file:///entry.js"'),
    ]
    done = subprocess.run(
        command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    if not (folder / "entry.js").exists():
        sys.exit(f"bench: wrangler cannot bundle LLMOps\n{done.stdout}{done.stderr}")


def _doors(brand: str, port: int, upstream: Upstream) -> dict[Feature, Door]:
    url = f"http://127.0.0.1:{port}{PATH}"
    good, bad = (
        {"provider": "openai", "api_key": "sk-test", "custom_host": base}
        for base in (upstream.base, upstream.failing)
    )
    plain = {f"x-{brand}-provider": "openai", f"x-{brand}-custom-host": upstream.base}
    cache = {f"x-{brand}-config": json.dumps(good | {"cache": {"mode": "simple"}})}
    targets = {"strategy": {"mode": "fallback"}, "targets": [bad, good]}
    return {
        Feature.PLAIN: Door(url, KEY | plain),
        Feature.CACHE: Door(url, KEY | cache),
        Feature.FALLBACK: Door(url, KEY | {f"x-{brand}-config": json.dumps(targets)}),
    }
