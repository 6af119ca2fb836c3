"""Programs that are measured: started, watched and ended, with all that they start themselves."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

END_S = 10
POLL_S = 0.01


@dataclass(frozen=True)
class Program:
    """What is started, and the folder that it runs in, which also gets its output."""

    command: Sequence[str | Path]
    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Process:
    """A program that runs."""

    pid: int

    def cpu_ms(self) -> float | None:
        """Return the CPU time that it has used so far, in milliseconds; None where not known."""
        return _sum(_cpu_ms, self.pid)

    def resident_mb(self) -> float | None:
        """Return the memory that it holds now, in megabytes; None where not known."""
        return _sum(_resident_mb, self.pid)


@contextlib.contextmanager
def running(program: Program) -> Generator[tuple[Process, "subprocess.Popen[bytes]"], None, None]:
    """Run a program until the block ends. What it prints is in output.log of its folder."""
    program.folder.mkdir(parents=True, exist_ok=True)
    with (program.folder / "output.log").open("ab") as log:
        child = subprocess.Popen(
            program.command,
            cwd=program.folder,
            env=os.environ | program.variables,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield Process(child.pid), child
    finally:
        _end(child)


def _end(child: "subprocess.Popen[bytes]") -> None:
    # The whole group: some start others, who would outlive them.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(END_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def wait_until(
    look: Callable[[], bool], what: str, child: "subprocess.Popen[bytes]", log: Path, limit_s: float
) -> float:
    """Look until it is so, and return how many milliseconds that took. Exits if it never is."""
    started = time.monotonic()
    while time.monotonic() < started + limit_s and child.poll() is None:
        if look():
            return (time.monotonic() - started) * 1000
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(POLL_S)
    sys.exit(f"bench: {what} did not start\n{log.read_text(errors='replace')[-4000:]}")


def _sum(read: Callable[[int], float], pid: int) -> float | None:
    try:
        return sum(read(each) for each in _family(pid))
    except OSError:
        return None  # there is no /proc, or the process has ended


def _family(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task")
    children = [int(each) for task in tasks.iterdir() for each in _children(task)]
    return [pid, *(each for child in children for each in _family(child))]


def _children(task: Path) -> list[str]:
    with contextlib.suppress(OSError):
        return (task / "children").read_text().split()
    return []


def _cpu_ms(pid: int) -> float:
    # The name of the program is in brackets and may hold blanks: what counts comes after it.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def _resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
