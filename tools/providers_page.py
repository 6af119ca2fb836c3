"""Write docs/providers.md from the declarations in src/providers."""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from providers import PROVIDERS  # noqa: E402 - the Worker's code, found by the line above
from providers.base import Provider  # noqa: E402

PAGE = ROOT / "docs" / "providers.md"

HEAD = """\
# Providers

<!-- Written by `make docs` from src/providers. -->

A request to a provider is `/v1/{account}/{gateway}/{slug}/{path}`, and `{path}` is what the vendor
itself has behind the address in the table. Clients that repeat a version or a prefix (`v1/`,
`openai/v1/`) may do so: it is not doubled. The vendor's own headers pass, its key among them; so do
its answers and its errors, unchanged.

| slug | address | dialect | headers that pass | the vendor's own pages |
| --- | --- | --- | --- | --- |
"""

FOOT = """
The dialect tells what the log knows: the model, whether the answer streams, tokens of whole answers
and of streams (cached and reasoning tokens in their sums, and on their own), and which errors a
retry tries again. Llama is reached through `groq`, `cerebras`, `fireworks` and `openrouter`.
"""


def page() -> str:
    """Return the page."""
    rows = [
        f"| `{slug}` | {provider.base_url} | {_dialect(provider)} | "
        f"{', '.join(f'`{name}`' for name in provider.headers)} | <{provider.docs}> |\n"
        for slug, provider in sorted(PROVIDERS.items())
    ]
    return HEAD + "".join(rows) + FOOT


def _dialect(provider: Provider) -> str:
    return provider.dialect.ask.__module__.rpartition(".")[2]


def main() -> None:
    """Write the page."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    PAGE.write_text(page())


if __name__ == "__main__":
    main()
