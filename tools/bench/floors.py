"""What no gateway can go below: no gateway, and Workers that do nothing but pass a request on."""

import subprocess
import sys
from pathlib import Path

from bench.ends import Upstream
from bench.sites import Door, Feature, Site
from bench.workerd import WORKERD, Worker, serving
from wrangler import BUNDLE_FLAGS

PATH = "/v1/chat/completions"
FLAGS = ("python_workers", *BUNDLE_FLAGS, "disable_python_external_sdk")

JAVASCRIPT = """\
export default {
  fetch(request, env) {
    return fetch(env.UPSTREAM + new URL(request.url).pathname, request);
  },
};
"""

PYTHON = """\
from urllib.parse import urlsplit

import js
from workers import WorkerEntrypoint


class Default(WorkerEntrypoint):
    async def fetch(self, request):
        request = request.js_object
        return await js.fetch(self.env.UPSTREAM + urlsplit(request.url).path, request)
"""


def direct(folder: Path, upstream: Upstream) -> Site:
    """Ask the upstream itself."""
    del folder
    door = Door(upstream.root + PATH)
    return Site([], {Feature.PLAIN: door})


def javascript(folder: Path, upstream: Upstream) -> Site:
    """Set up a bare Worker in JavaScript."""
    (folder / "main.js").write_text(JAVASCRIPT)
    port = Worker("main.js").configure(folder, {"UPSTREAM": upstream.root})
    return Site([serving(folder)], _doors(port))


def python(folder: Path, upstream: Upstream) -> Site:
    """Set up a bare Worker in Python, which starts from a snapshot as Sluice does."""
    (folder / "main.py").write_text(PYTHON)
    port = Worker("main.py", FLAGS).configure(folder, {"UPSTREAM": upstream.root})
    save = [WORKERD, "test", "config.capnp", "--experimental", "--python-save-snapshot"]
    done = subprocess.run(
        [*save, "--python-snapshot-dir", "."],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if not (folder / "snapshot.bin").exists():
        sys.exit(f"bench: no snapshot of the bare Worker\n{done.stdout}{done.stderr}")
    program = serving(
        folder, "--python-load-snapshot", "snapshot.bin", "--python-snapshot-dir", "."
    )
    return Site([program], _doors(port))


def _doors(port: int) -> dict[Feature, Door]:
    return {Feature.PLAIN: Door(f"http://127.0.0.1:{port}{PATH}")}
