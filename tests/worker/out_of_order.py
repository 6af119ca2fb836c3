"""A gateway whose Durable Objects of one class are those of another Worker, which is faulty."""

import contextlib
import json
from collections.abc import Generator
from pathlib import Path

from running import ROOT, Gateway, serving
from worker.scripted import ScriptedUpstream


@contextlib.contextmanager
def out_of_order(
    folder: Path, upstream: ScriptedUpstream, name: str, faulty: Path
) -> Generator[Gateway, None, None]:
    """Run a gateway with the class `name` of the Worker in the folder `faulty`."""
    for part in ("src", "python_modules", "migrations"):
        (folder / part).symlink_to(ROOT / part)
    ours = f'class_name = "{name}"'
    usual = (ROOT / "wrangler.toml").read_text()
    theirs = f'{ours}\nscript_name = "{faulty.name.replace("_", "-")}"'
    # What is made elsewhere is not made here.
    migrations = [part for part in usual.split("\n\n") if f'classes = ["{name}"]' not in part]
    config = folder / "wrangler.toml"
    config.write_text("\n\n".join(migrations).replace(ours, theirs))
    state = folder / "state"
    state.mkdir()
    local = {"UPSTREAMS": json.dumps({"openai": upstream.base_url})}
    with serving(state, config, faulty / "wrangler.toml", **local) as gateway:
        yield gateway
