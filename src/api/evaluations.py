"""Evaluations: what is found of the rows of the log that datasets select.

One is worked out while it is made, and never again: it looks at MOST_ROWS rows at the most.
https://developers.cloudflare.com/api/resources/ai_gateway/subresources/evaluations/
"""

import json
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from api.body import checked, read_object
from api.datasets import ShownDataset, find_datasets
from api.envelope import iso, success
from api.evaluation_types import MEASURES, Finding
from api.gateways import internal_id
from api.query import Flag, Searched, Text, queried
from api.route import shaped
from api.selection import selection
from api.task import Task
from call import Reply
from errors import EvaluationNotFound
from ids import uuid7
from ports import Row
from settings import Name

_COLUMNS = "gateway_id, id, name, datasets, results, total_logs, created_at"
_INSERT = f"""
INSERT INTO evaluations ({_COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING {_COLUMNS}
"""  # noqa: S608 - our own names
_WHERE = """
gateway_id = ?1 AND (instr(id, lower(?2)) OR instr(lower(name), lower(?2)))
AND (?3 = '' OR name = ?3) AND ?4
"""
_LIST = f"""
SELECT {_COLUMNS} FROM evaluations WHERE {_WHERE} ORDER BY id DESC LIMIT ?5 OFFSET ?6
"""  # noqa: S608
_COUNT = f"SELECT count(*) AS total FROM evaluations WHERE {_WHERE}"  # noqa: S608
_GET = f"SELECT {_COLUMNS} FROM evaluations WHERE gateway_id = ?1 AND id = ?2"  # noqa: S608
_DELETE = f"""
DELETE FROM evaluations WHERE gateway_id = ?1 AND id = ?2 RETURNING {_COLUMNS}
"""  # noqa: S608
_MEASURED = ", ".join(
    f"avg({one.value}) AS {one.id}, count({one.value}) AS {one.id}_logs"
    for one in MEASURES.values()
)

_MOST_DATASETS = 10
_DONE, _EMPTY = (1, "Done"), (2, "No row of the log tells it")
_Ids = Field(min_length=1, max_length=_MOST_DATASETS)


class Evaluation(BaseModel):
    """What an evaluation is asked to find out."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(min_length=1, max_length=256)]
    dataset_ids: Annotated[list[Name], _Ids]
    evaluation_type_ids: Annotated[list[Finding], _Ids]


class ShownResult(BaseModel):
    """What was found out."""

    id: str
    evaluation_id: str
    evaluation_type_id: Finding
    result: str
    """A number. Empty where no row tells it."""
    status: int
    """1: done. 2: no row tells it."""
    status_description: str
    total_logs: int
    """The rows that tell it."""
    created_at: str
    modified_at: str


class ShownEvaluation(BaseModel):
    """An evaluation, as it is shown."""

    id: str
    name: str
    gateway_id: str
    processed: bool
    total_logs: int
    """The rows that the datasets selected."""
    datasets: list[ShownDataset]
    """As they were then."""
    results: list[ShownResult]
    created_at: str
    modified_at: str


class EvaluationQuery(Searched):
    """Which evaluations are asked for."""

    name: Text = ""
    processed: Flag = True


@shaped(list[ShownEvaluation], query=EvaluationQuery)
async def list_evaluations(task: Task, gateway: str) -> Reply:
    """Return a page of a gateway's evaluations, the newest first.

    Raises Invalid and GatewayNotFound.
    """
    asked, database = queried(EvaluationQuery, task.query), task.ports.database
    number = await internal_id(task, gateway)
    # There is none that has not been worked out.
    values = (number, asked.search, asked.name, int(asked.processed))
    total = (await database.all(_COUNT, *values))[0]["total"]
    rows = await database.all(_LIST, *values, asked.per_page, asked.offset)
    return success([_shown(row, gateway) for row in rows], asked.info(len(rows), total))


@shaped(ShownEvaluation, body=Evaluation)
async def create_evaluation(task: Task, gateway: str) -> Reply:
    """Find out something, and keep it. Raises Invalid and GatewayNotFound."""
    number = await internal_id(task, gateway)
    asked = checked(Evaluation, await read_object(task))
    datasets = await find_datasets(task, gateway, number, asked.dataset_ids)
    # Who has just sent a request expects it to count.
    await task.isolate.journal.flush(task.ports.database, task.ports.tails)
    query, *values = selection([one["filters"] for one in datasets])
    sql = f"SELECT count(*) AS total, {_MEASURED} FROM {query}"  # noqa: S608 - our own names
    found = (await task.ports.database.all(sql, number, *values))[0]
    now = task.ports.clock()
    evaluation_id = uuid7(now)
    wanted = dict.fromkeys(asked.evaluation_type_ids)
    results = json.dumps([_result(evaluation_id, one, found, now) for one in wanted])
    kept = json.dumps(datasets, ensure_ascii=False)
    row = (number, evaluation_id, asked.name, kept, results, found["total"])
    rows = await task.ports.database.all(_INSERT, *row, round(now))
    return success(_shown(rows[0], gateway))


@shaped(ShownEvaluation)
async def get_evaluation(task: Task, gateway: str, evaluation_id: str) -> Reply:
    """Return an evaluation. Raises GatewayNotFound and EvaluationNotFound."""
    return success(await _one(task, gateway, _GET, evaluation_id))


@shaped(ShownEvaluation)
async def delete_evaluation(task: Task, gateway: str, evaluation_id: str) -> Reply:
    """Delete an evaluation. Raises GatewayNotFound and EvaluationNotFound."""
    return success(await _one(task, gateway, _DELETE, evaluation_id))


async def _one(task: Task, gateway: str, statement: str, evaluation_id: str) -> dict[str, object]:
    number = await internal_id(task, gateway)
    rows: Sequence[Row] = await task.ports.database.all(statement, number, evaluation_id)
    if not rows:
        raise EvaluationNotFound(evaluation_id)
    return _shown(rows[0], gateway)


def _result(evaluation_id: str, measure: Finding, found: Row, now: float) -> dict[str, Any]:
    value: float | None = found[measure]
    status, description = _EMPTY if value is None else _DONE
    return {
        "id": uuid7(now),
        "evaluation_id": evaluation_id,
        "evaluation_type_id": measure,
        "result": "" if value is None else str(value),
        "status": status,
        "status_description": description,
        "total_logs": found[f"{measure}_logs"],
        "created_at": iso(round(now)),
        "modified_at": iso(round(now)),
    }


def _shown(row: Row, gateway: str) -> dict[str, object]:
    return {
        "id": row["id"],
        "name": row["name"],
        "gateway_id": gateway,
        "processed": True,
        "total_logs": row["total_logs"],
        "datasets": json.loads(row["datasets"]),
        "results": json.loads(row["results"]),
        "created_at": iso(row["created_at"]),
        "modified_at": iso(row["created_at"]),
    }
