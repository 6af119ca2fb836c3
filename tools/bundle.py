"""Build the Pyodide bundle that workerd loads, from the npm package `pyodide`.

workerd downloads this bundle when it first starts a Python Worker. A machine that reaches only
package registries cannot, so we make the same thing from the same Pyodide release and let workerd
take it from disk (docs/decisions/0001-local-runtime.md).
"""

import argparse
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import capnp

ROOT = Path(__file__).resolve().parent.parent
PYODIDE = ROOT / "node_modules" / "pyodide"
# Under this name workerd reads a bundle without comparing it with a released checksum.
BUNDLE = "pyodide_dev.capnp.bin"

# What workerd gives the glue in place of the things it forbids: `eval`, and compiling Wasm.
PRELUDE = """\
import { addEventListener, getRandomValues, location, monotonicDateNow, newWasmModule,
  patchedLoadLibData, wasmInstantiate } from "pyodide-internal:builtin_wrappers";
"""
FORBIDDEN_EVAL = '(()=>{throw new Error("eval is not available in a Worker")})()'


class GlueChangedError(Exception):
    """A replacement found nothing: this Pyodide spells its glue differently."""


@dataclass(frozen=True)
class Replacement:
    """One change of the glue, which must match at least once."""

    why: str
    pattern: str
    by: str | Callable[[re.Match[str]], str]

    def apply(self, glue: str) -> str:
        """Replace every match.

        Raises GlueChangedError where nothing matches.
        """
        changed, count = re.subn(self.pattern, self.by, glue)
        if not count:
            raise GlueChangedError(f"{self.why}: no match for {self.pattern!r} in pyodide.asm.mjs")
        return changed


REPLACEMENTS = (
    Replacement(
        "the entry point is imported by name",
        r"export default _createPyodideModule;",
        "export default _createPyodideModule;export{_createPyodideModule};",
    ),
    Replacement("Wasm is compiled by the runtime", r"new WebAssembly\.Module\(", "newWasmModule("),
    Replacement(
        "Wasm is instantiated by the runtime",
        r"WebAssembly\.instantiate\(",
        "wasmInstantiate(",
    ),
    Replacement("time comes from the runtime", r"\bDate\.now\b", "monotonicDateNow"),
    Replacement(
        "entropy comes from the runtime, which forbids it during start-up",
        r"\bcrypto\.getRandomValues\(",
        "getRandomValues(Module,",
    ),
    Replacement("`=eval(f)` is forbidden", r"=eval\(func\)", f"={FORBIDDEN_EVAL}"),
    Replacement(
        "`eval(UTF8ToString(p))` is forbidden",
        r"\beval\(UTF8ToString\(ptr\)\)",
        FORBIDDEN_EVAL,
    ),
    Replacement("`eval(data)` is forbidden", r"\beval\(data\)", FORBIDDEN_EVAL),
    Replacement(
        "libraries are read from the Worker's own modules",
        r"function loadLibData\(\)\{",
        "function loadLibData(){"
        "var lib=patchedLoadLibData(Module,libName,flags.rpath);"
        "return flags.loadAsync?Promise.resolve(lib):lib;",
    ),
    Replacement(
        "memory of libraries is placed where a snapshot can find it again",
        r"(?<![\w.])getMemory\(",
        "Module.getMemoryPatched(Module,libName,",
    ),
)


def adapt(glue: str) -> str:
    """Return Emscripten's glue as workerd can run it."""
    for replacement in REPLACEMENTS:
        glue = replacement.apply(glue)
    left = re.search(r"(?<![\w.])eval\(", glue)
    if left:
        around = glue[max(0, left.start() - 40) : left.end() + 40]
        raise GlueChangedError(f"a direct eval is left: …{around}…")
    return PRELUDE + glue


def bundle(pyodide: Path) -> bytes:
    """Return the bundle of the Pyodide release in a folder, as one Cap'n Proto message."""
    schema = capnp.load(str(Path(__file__).with_name("pyodide_bundle.capnp")))
    glue = adapt((pyodide / "pyodide.asm.mjs").read_text())
    contents = (
        ("pyodide.asm", "src", glue.encode()),
        ("pyodide.asm.wasm", "wasm", (pyodide / "pyodide.asm.wasm").read_bytes()),
        ("python_stdlib.zip", "data", (pyodide / "python_stdlib.zip").read_bytes()),
    )
    message = schema.Bundle.new_message()
    modules = message.init("modules", len(contents))
    for module, (name, member, content) in zip(modules, contents, strict=True):
        module.name = f"pyodideRuntime-internal:{name}"
        module.type = "internal"
        setattr(module, member, content)
    return message.to_bytes()


def main() -> None:
    """Write the bundle into a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help=f"where to write {BUNDLE}")
    options = parser.parse_args()
    try:
        content = bundle(PYODIDE)
    except GlueChangedError as error:
        sys.exit(f"bundle: {error}")
    options.folder.mkdir(parents=True, exist_ok=True)
    (options.folder / BUNDLE).write_bytes(content)


if __name__ == "__main__":
    main()
