"""A gateway whose Durable Objects of one class are those of another Worker, which is faulty."""

import contextlib
import json
from collections.abc import Generator
from itertools import count
from pathlib import Path
from uuid import uuid4

from kept.key import custom_key
from running import ROOT, Gateway, serving
from worker.scripted import ScriptedUpstream


@contextlib.contextmanager
def out_of_order(
    folder: Path, upstream: ScriptedUpstream, name: str, faulty: Path, **variables: str
) -> Generator[Gateway, None, None]:
    """Run a gateway with the class of the Worker in the folder `faulty` in place of `name`.

    `variables` are more of the gateway's own.
    """
    for part in ("src", "python_modules", "migrations"):
        (folder / part).symlink_to(ROOT / part)
    ours = f'class_name = "{name}"'
    worker = faulty.name.replace("_", "-")
    theirs = f'class_name = "Faulty{name}"\nscript_name = "{worker}"'
    usual = (ROOT / "wrangler.toml").read_text()
    # JSON's strings are TOML's.
    more = [f"{variable} = {json.dumps(value)}" for variable, value in variables.items()]
    config = folder / "wrangler.toml"
    config.write_text("\n".join([usual.replace(ours, theirs), "[vars]", *more]))
    state = folder / "state"
    state.mkdir()
    local = {"UPSTREAMS": json.dumps({"openai": upstream.base_url})}
    with serving(state, config, faulty / "wrangler.toml", **local) as gateway:
        yield gateway


def name_for(gateway: Gateway, digit: int) -> str:
    """Return a new name of an answer, whose key has this first digit: that is its flight's name."""
    internal_id = int(gateway.ask("").json()["result"]["internal_id"])
    names = (uuid4().hex for _ in count())
    keys = ((name, custom_key(internal_id, 0, name, stream=False)) for name in names)
    return next(name for name, key in keys if key[0] == f"{digit:x}")
