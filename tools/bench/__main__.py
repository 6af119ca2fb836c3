"""Measure Sluice beside other gateways on this machine. Prints a table, writes build/bench.json."""

import argparse
import contextlib
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.choice import chosen
from bench.costs import COSTS
from bench.ends import load_generator, upstream
from bench.faults import FAULT_MATRIX
from bench.features import FEATURES
from bench.install import FOLDER, say
from bench.measures import Measure, added, as_json, median_of_rounds
from bench.scenario import Scenario
from bench.sites import Prepare
from bench.speed import SPEED
from bench.subject import Subject, Tools, started
from bench.table import table
from bench.targets import TARGETS, beside
from wrangler import ROOT

SCENARIOS = {each.name: each for each in [*SPEED, *FEATURES, *COSTS, *FAULT_MATRIX]}
WARM_S = 0.1


@dataclass(frozen=True)
class Pace:
    """How much time a run takes."""

    rounds: int
    seconds: float
    starts: int
    warm_s: float
    """Compilers need thousands of requests until a gateway is as fast as it gets."""


FULL = Pace(rounds=5, seconds=0.8, starts=3, warm_s=6)
QUICK = Pace(rounds=1, seconds=0.2, starts=1, warm_s=1)


def main() -> int:
    """Do all of it."""
    asked = _arguments()
    signal.signal(signal.SIGTERM, _stop)
    targets = beside(asked.before.resolve()) if asked.before else dict(TARGETS)
    names = chosen(asked.only, targets, "target")
    scenarios = [SCENARIOS[name] for name in chosen(asked.scenarios, SCENARIOS, "scenario")]
    began = time.monotonic()
    measures = measure(
        {name: targets[name] for name in names}, scenarios, QUICK if asked.quick else FULL
    )
    (ROOT / "build" / "bench.json").write_text(as_json(measures))
    print(table(measures, names), end="")
    say(f"{time.monotonic() - began:.0f} s; the same is in build/bench.json")
    return 0


def _stop(*_: object) -> None:
    # An exit, as Ctrl-C is one: what was started is ended.
    sys.exit(1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="one short round: to see that it works"
    )
    parser.add_argument("--only", help=f"some of the targets: {','.join(TARGETS)}")
    parser.add_argument("--scenarios", help=f"some of the scenarios: {','.join(SCENARIOS)}")
    parser.add_argument(
        "--before",
        type=Path,
        help="another checkout of Sluice, after `make setup` there, to compare with",
    )
    return parser.parse_args()


def measure(
    targets: Mapping[str, Prepare], scenarios: Sequence[Scenario], pace: Pace
) -> list[Measure]:
    """Set all targets up, run them at once, and measure one after another, round by round."""
    runs = FOLDER / "run"
    shutil.rmtree(runs, ignore_errors=True)
    runs.mkdir(parents=True)
    with contextlib.ExitStack() as stack:
        provider = stack.enter_context(upstream(runs / "upstream.log"))
        load = stack.enter_context(load_generator(runs / "load.log"))
        tools = Tools(load, provider, pace.starts, pace.seconds)
        subjects: list[Subject] = []
        for name, prepare in targets.items():
            say(f"starting {name} …")
            folder = runs / name
            folder.mkdir()
            site = prepare(folder, provider)
            subjects.append(stack.enter_context(started(name, site, tools)))
        found = median_of_rounds(_rounds(subjects, scenarios, pace))
    return _with_added(found, scenarios)


def _rounds(
    subjects: Sequence[Subject], scenarios: Sequence[Scenario], pace: Pace
) -> Iterator[Measure]:
    repeated = [each for each in scenarios if not each.once]
    say("warming up …")
    _warm(subjects, pace.warm_s, [SCENARIOS["json32"]])
    _warm(subjects, WARM_S, repeated)
    for number in range(pace.rounds):
        say(f"round {number + 1} of {pace.rounds} …")
        # Whoever came first in one round comes last in the next.
        yield from _one_round(subjects if number % 2 == 0 else subjects[::-1], repeated)
    say("what is measured once …")
    yield from _one_round(subjects, [each for each in scenarios if each.once])


def _warm(subjects: Sequence[Subject], seconds: float, scenarios: Sequence[Scenario]) -> None:
    warm = [replace(each, tools=replace(each.tools, seconds=seconds)) for each in subjects]
    for _ in _one_round(warm, scenarios):
        pass


def _one_round(subjects: Sequence[Subject], scenarios: Sequence[Scenario]) -> Iterator[Measure]:
    for scenario in scenarios:
        for subject in subjects:
            yield from scenario.measures(subject)


def _with_added(measures: Sequence[Measure], scenarios: Sequence[Scenario]) -> list[Measure]:
    """Order measures by scenario, and say what gateways add to the time of a JSON request."""
    order = [each.name for each in scenarios]
    everything = [*measures, *added(measures, "json1", "p50")]
    return sorted(everything, key=lambda each: order.index(each.scenario))


if __name__ == "__main__":
    sys.exit(main())
