"""deploy/Containerfile, read as far as it is written: one instruction a line, `\\` goes on."""

import shlex
from dataclasses import dataclass

from running import ROOT

FILE = ROOT / "deploy" / "Containerfile"


@dataclass(frozen=True)
class Instruction:
    """An instruction, and what follows it."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """What follows, as the words of a shell."""
        return shlex.split(self.text)


def last_stage() -> list[Instruction]:
    """Return the instructions of what runs."""
    found = instructions()
    return found[max(n for n, each in enumerate(found) if each.name == "FROM") :]


def instructions() -> list[Instruction]:
    """Return all of them."""
    lines = [line for line in FILE.read_text().splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    split = [line.split(maxsplit=1) for line in joined.splitlines() if line.strip()]
    return [Instruction(name, text) for name, text in split]


def environment() -> dict[str, str]:
    """Return what the container is given."""
    words = [word for each in last_stage() if each.name == "ENV" for word in each.words]
    return dict(word.split("=", 1) for word in words)
