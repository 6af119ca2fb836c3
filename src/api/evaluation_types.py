"""What an evaluation can find out, and how.

https://developers.cloudflare.com/api/resources/ai_gateway/subresources/evaluation_types/
"""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel

from api.envelope import success
from api.query import Direction, Paged, queried
from api.route import shaped
from api.task import Task
from call import Reply

Finding = Literal["cost", "feedback", "speed"]
_SINCE = "2026-11-22T00:00:00.000Z"
"""When the types were there first."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A number that says something of many rows of the log."""

    id: Finding
    name: str
    description: str
    value: str
    """SQL: the number that one row adds to the average. NULL: none."""


MEASURES: dict[Finding, Measure] = {
    one.id: one
    for one in (
        Measure("cost", "Cost", "The average cost of a request, in USD", "cost"),
        Measure("speed", "Speed", "The average duration of a request, in milliseconds", "duration"),
        Measure(
            "feedback",
            "Human feedback",
            "The share of thumbs up among the requests with a thumb, 0 to 1",
            "CASE WHEN feedback > 0 THEN 1.0 WHEN feedback < 0 THEN 0.0 END",
        ),
    )
}


class EvaluationTypeQuery(Paged):
    """Which evaluation types are asked for."""

    order_by: Literal["id", "name", "type", "created_at", "modified_at"] = "id"
    order_by_direction: Direction = "asc"


class ShownEvaluationType(BaseModel):
    """What an evaluation can find out."""

    id: Finding
    name: str
    type: str
    description: str
    enable: bool
    mandatory: bool
    created_at: str
    modified_at: str


@shaped(list[ShownEvaluationType], query=EvaluationTypeQuery)
async def list_evaluation_types(task: Task) -> Reply:
    """Return what an evaluation can find out. Raises Invalid."""
    asked = queried(EvaluationTypeQuery, task.query)
    every = sorted(
        map(_shown, MEASURES.values()),
        key=lambda one: str(one[asked.order_by]),
        reverse=asked.order_by_direction == "desc",
    )
    page = every[asked.offset : asked.offset + asked.per_page]
    return success(page, asked.info(len(page), len(every)))


def _shown(measure: Measure) -> dict[str, object]:
    return {
        "id": measure.id,
        "name": measure.name,
        "type": measure.id,
        "description": measure.description,
        "enable": True,
        "mandatory": False,
        "created_at": _SINCE,
        "modified_at": _SINCE,
    }
