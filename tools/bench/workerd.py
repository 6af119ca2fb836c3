"""Small Workers on workerd itself, for the floors and for the peer that is a Worker."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.process import Program
from serve.listening import free_port
from wrangler import ROOT

V8_FLAGS = ("--max-old-space-size=96", "--max-semi-space-size=4")
"""What an isolate has in production: 128 MB."""

WORKERD = ROOT / "tools" / "workerd"

CONFIG = """\
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  v8Flags = %(v8)s,
  services = [
    (name = "main", worker = .main),
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:%(port)d", http = (), service = "main")],
);

const main :Workerd.Worker = (
  compatibilityDate = "2026-11-01",
  compatibilityFlags = %(flags)s,
  modules = [(name = %(name)s, %(kind)s = embed %(name)s)],
  bindings = [%(bindings)s],
);
"""


@dataclass(frozen=True)
class Worker:
    """A Worker of one module, a file in the folder that it is set up in."""

    module: str
    flags: Sequence[str] = ()

    def configure(self, folder: Path, variables: Mapping[str, str]) -> int:
        """Write the configuration, and return the port that it names."""
        port = free_port()
        bindings = (
            f"(name = {json.dumps(name)}, text = {json.dumps(value)})"
            for name, value in variables.items()
        )
        text = CONFIG % {
            "v8": json.dumps(V8_FLAGS),
            "port": port,
            "flags": json.dumps(self.flags),
            "name": json.dumps(self.module),
            "kind": "pythonModule" if self.module.endswith(".py") else "esModule",
            "bindings": ", ".join(bindings),
        }
        (folder / "config.capnp").write_text(text)
        return port


def serving(folder: Path, *options: str) -> Program:
    """Return the program that serves the configuration of a folder."""
    return Program([WORKERD, "serve", "config.capnp", "--experimental", *options], folder)
