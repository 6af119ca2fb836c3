"""Run with the tools of one checkout of Sluice: build its Worker, and take the snapshot of it.

Arguments: the folder to do it in, the Worker's variables as JSON, and V8's flags. Prints the port
that the Worker will listen on. It stands alone, because that checkout may be an older one.
"""

import json
import sys
from pathlib import Path

import native
import upload

CONFIG = "const config :Workerd.Config = (\n"


def main() -> None:
    """Do it."""
    folder, variables, *flags = sys.argv[1:]
    modules = upload.build(Path(folder) / "upload").folder
    run = native.configure(Path(folder), modules, json.loads(variables))
    config = run.folder / "config.capnp"
    text = config.read_text()
    config.write_text(text.replace(CONFIG, f"{CONFIG}  v8Flags = {json.dumps(flags)},\n", 1))
    native.save_snapshot(run)
    print(run.port)


if __name__ == "__main__":
    main()
