"""Run Sluice with other Workers beside it that bind it, on one address.

The first segment of a path that is the name of a Worker leads there; the rest leads to the gateway.
Workers AI is a stand-in: on this machine there is none.
"""

import argparse
import contextlib
import json
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dev
from wrangler import BUNDLE_FLAGS, ROOT

STAND_IN = ROOT / "tools" / "workers_ai" / "wrangler.toml"
FRONT = """\
export default {
  fetch(request, env) {
    const name = new URL(request.url).pathname.split("/")[1];
    return (env[name] ?? env.gateway).fetch(request);
  },
};
"""


def localized(config: Path, folder: Path, **changes: Any) -> Path:
    """Write a Worker's configuration as this machine can run it, into a folder of its own."""
    given = {**tomllib.loads(config.read_text()), **changes}
    given = {name: value for name, value in given.items() if value is not None}
    home = folder / given["name"]
    home.mkdir(parents=True, exist_ok=True)
    given["main"] = str(config.parent / given["main"])
    if "python_workers" in (flags := given.get("compatibility_flags", [])):
        given["compatibility_flags"] = [*flags, *BUNDLE_FLAGS]
        modules = home / "python_modules"
        if not modules.is_symlink():
            modules.symlink_to(ROOT / "python_modules", target_is_directory=True)
    for database in given.get("d1_databases", ()):
        database["migrations_dir"] = str(ROOT / "migrations")
    written = home / "wrangler.json"
    written.write_text(json.dumps(given))
    return written


def front(folder: Path, workers: Sequence[str]) -> Path:
    """Write the Worker that leads a request to the others."""
    home = folder / "front"
    home.mkdir(parents=True, exist_ok=True)
    (home / "index.mjs").write_text(FRONT)
    services = [{"binding": name, "service": name} for name in workers]
    services.append({"binding": "gateway", "service": "sluice"})
    written = home / "wrangler.json"
    config = {"name": "front", "main": "index.mjs", "compatibility_date": "2026-11-17"}
    written.write_text(json.dumps(config | {"services": services}))
    return written


def start(run: dev.Run, configs: Sequence[Path]) -> "subprocess.Popen[str]":
    """Start the gateway and the Workers of some configurations."""
    folder = run.state / "beside"
    production = tomllib.loads((ROOT / "wrangler.toml").read_text())
    gateway = localized(
        ROOT / "wrangler.toml",
        folder,
        ai=None,
        services=[*production.get("services", ()), {"binding": "AI", "service": "workers-ai"}],
    )
    dev.write_private(gateway.parent / ".dev.vars", dev.dotenv(run))
    others = [localized(config, folder) for config in (STAND_IN, *configs)]
    names = [json.loads(other.read_text())["name"] for other in others]
    return dev.launched(run, [front(folder, names), gateway, *others])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until it ends or is told to. Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--config", action="append", type=Path, required=True, help="wrangler.toml of a Worker"
    )
    configs = [config.resolve() for config in parser.parse_args(arguments).config]
    run = dev.begin()
    pages = [f"{run.url}/{tomllib.loads(config.read_text())['name']}" for config in configs]
    with contextlib.suppress(KeyboardInterrupt):
        return dev.keep(run, start(run, configs), "\n".join(["Open", *pages, "Ctrl-C ends it."]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
