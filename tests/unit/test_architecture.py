"""The rules that no linter knows."""

import ast
import statistics
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest

from fakes import Bench, a_request, an_answer
from gateway import handle

SRC = Path(__file__).resolve().parents[2] / "src"
# The table of prices is data, which `make prices` writes: long, and full of vendors' names.
FILES = [file for file in sorted(SRC.rglob("*.py")) if file.stem != "price_table"]

# Imports point down: a module imports from the lines below its own, and from its own package.
LAYERS = (
    {"entry"},
    {"runtime"},
    {"gateway"},
    {"bound", "session"},
    {"pipeline"},
    {"api", "metrics", "upstream"},
    {"credentials", "intake", "isolate", "policies"},
    {"charges", "kept", "sockets", "traces"},
    {"health", "maintenance", "providers"},
    {"dialects", "logs"},
    {"boundary", "breaker", "costs", "forwarding", "identity"},
    {"call", "gateways", "keys", "signing"},
    {"ports", "snapshot"},
    {"limits", "options"},
    {"deployment", "outside", "settings"},
    {"errors", "ids", "own_models", "retry_after", "values"},
)
PLATFORM = {"js", "pyodide", "workers"}


def module(file: Path) -> str:
    return ".".join(file.relative_to(SRC).with_suffix("").parts).removesuffix(".__init__")


def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text())


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def layer(name: str) -> int:
    top = name.partition(".")[0]
    found = [depth for depth, names in enumerate(LAYERS) if top in names]
    assert found, f"`{top}` has no layer: give it one in {__name__}.LAYERS"
    return found[0]


def functions(file: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [
        node
        for node in ast.walk(tree(file))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


@pytest.mark.parametrize("file", FILES, ids=module)
def test_imports_point_down(file: Path) -> None:
    ours = {name.partition(".")[0] for names in LAYERS for name in names}
    own = module(file).partition(".")[0]

    wrong = [
        name
        for name in imports(file)
        if (top := name.partition(".")[0]) in ours and top != own and layer(top) <= layer(own)
    ]

    assert not wrong


@pytest.mark.parametrize("file", FILES, ids=module)
def test_only_the_rim_knows_the_platform(file: Path) -> None:
    rim = module(file).partition(".")[0] in ("entry", "runtime")

    assert rim or not PLATFORM & {name.partition(".")[0] for name in imports(file)}


@pytest.mark.parametrize("file", sorted((SRC / "policies").glob("*.py")), ids=module)
def test_policies_do_not_import_each_other(file: Path) -> None:
    assert not [name for name in imports(file) if name.startswith("policies")]


@pytest.mark.parametrize("file", FILES, ids=module)
def test_files_and_functions_are_short(file: Path) -> None:
    assert len(file.read_text().splitlines()) < 300
    assert not [node.name for node in functions(file) if length(node) > 50]


def test_the_median_function_has_ten_lines_or_fewer() -> None:
    lengths = [length(node) for file in FILES for node in functions(file)]

    assert statistics.median(lengths) <= 10


@pytest.mark.parametrize(
    "file",
    [file for file in sorted((SRC / "policies").glob("*.py")) if file.stem != "__init__"],
    ids=module,
)
def test_a_policy_module_has_one_public_name_its_own(file: Path) -> None:
    public = [
        node.name
        for node in tree(file).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
    ]

    assert public == [file.stem]


def provider_files() -> list[Path]:
    folder = SRC / "providers"
    return [file for file in sorted(folder.glob("*.py")) if file.stem not in ("__init__", "base")]


@pytest.mark.parametrize("file", provider_files(), ids=module)
def test_a_provider_is_data(file: Path) -> None:
    branches = (ast.If, ast.For, ast.While, ast.Try, ast.With)

    assert not [node for node in ast.walk(tree(file)) if isinstance(node, branches)]


@pytest.mark.parametrize(
    "file", [file for file in FILES if file.parent.name != "providers"], ids=module
)
def test_no_provider_is_named_outside_its_file(file: Path) -> None:
    slugs = {file.stem.replace("_", "-") for file in provider_files()}

    literals = {
        node.value
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }

    assert not slugs & literals


@contextmanager
def crossing() -> Generator[set[tuple[str, str]]]:
    """Collect the files and functions of ours that are crossed within the block."""
    crossed: set[tuple[str, str]] = set()

    def profile(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        named = not code.co_name.startswith("<")
        if event == "call" and named and code.co_filename.startswith(str(SRC)):
            crossed.add((code.co_filename, f"{code.co_firstlineno} {code.co_name}"))

    sys.setprofile(profile)
    try:
        yield crossed
    finally:
        sys.setprofile(None)


async def test_one_chat_request_crosses_few_files_and_functions(bench: Bench) -> None:
    """A reader who follows a request must not get lost: 21 files, 60 functions, at the most.

    That is the way to the answer. What is written down once it has left is a way of its own.
    """
    bench.fetch.script += [an_answer('{"model":"gpt-5"}'), an_answer('{"model":"gpt-5"}')]
    await bench.handle(a_request())  # which finds the gateway

    with crossing() as to_the_answer:
        await handle(a_request(), bench.isolate, bench.ports)
    with crossing() as to_the_log:
        await bench.background.run()

    assert len({file for file, _ in to_the_answer}) <= 21
    assert len(to_the_answer) <= 60
    assert len({file for file, _ in to_the_log}) <= 14
    assert len(to_the_log) <= 45
