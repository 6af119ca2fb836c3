"""All that can be measured, by the name that the table has for it."""

from collections.abc import Mapping
from pathlib import Path

from bench import floors
from bench.ferro import ferro
from bench.litellm import litellm
from bench.measures import FLOOR
from bench.portkey import llmops, portkey
from bench.sites import Prepare
from bench.sluice import OFF, USUAL, sluice

TARGETS: Mapping[str, Prepare] = {
    FLOOR: floors.direct,
    "js": floors.javascript,
    "python": floors.python,
    "sluice": sluice(USUAL),
    "sluice-off": sluice(OFF),
    "portkey": portkey,
    "llmops": llmops,
    "litellm": litellm,
    "ferro": ferro,
}


def beside(before: Path) -> dict[str, Prepare]:
    """Return the targets that compare this checkout with another one."""
    return {
        FLOOR: TARGETS[FLOOR],
        "sluice": TARGETS["sluice"],
        "before": sluice(USUAL, before),
        "sluice-off": TARGETS["sluice-off"],
        "before-off": sluice(OFF, before),
    }
