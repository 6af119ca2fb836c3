"""Datasets: filters that select rows of a gateway's log, all of which a row must pass.

https://developers.cloudflare.com/api/resources/ai_gateway/subresources/datasets/
"""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from api.body import checked, read_object
from api.envelope import iso, success
from api.gateways import internal_id
from api.query import Flag, Searched, Text, queried
from api.route import shaped
from api.selection import Filter
from api.task import Task
from call import Reply
from errors import DatasetNotFound, Invalid
from ids import uuid7
from ports import Row

_COLUMNS = "gateway_id, id, name, enable, filters, created_at, modified_at"
_INSERT = f"""
INSERT INTO datasets ({_COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) RETURNING {_COLUMNS}
"""  # noqa: S608 - our own names
_UPDATE = f"""
UPDATE datasets SET name = ?3, enable = ?4, filters = ?5, modified_at = ?6
WHERE gateway_id = ?1 AND id = ?2 RETURNING {_COLUMNS}
"""  # noqa: S608
_WHERE = """
gateway_id = ?1 AND (?3 = '' OR name = ?3) AND (?4 IS NULL OR enable = ?4)
AND (instr(id, lower(?2)) OR instr(lower(name), lower(?2)) OR EXISTS (
  SELECT 1 FROM json_tree(filters) WHERE instr(lower(atom), lower(?2))
))
"""
_LIST = f"SELECT {_COLUMNS} FROM datasets WHERE {_WHERE} ORDER BY id LIMIT ?5 OFFSET ?6"  # noqa: S608
_COUNT = f"SELECT count(*) AS total FROM datasets WHERE {_WHERE}"  # noqa: S608
_GET = f"SELECT {_COLUMNS} FROM datasets WHERE gateway_id = ?1 AND id = ?2"  # noqa: S608
_SOME = f"""
SELECT {_COLUMNS} FROM datasets WHERE gateway_id = ?1 AND id IN (SELECT value FROM json_each(?2))
"""  # noqa: S608
_DELETE = f"DELETE FROM datasets WHERE gateway_id = ?1 AND id = ?2 RETURNING {_COLUMNS}"  # noqa: S608

_READ_ONLY = {"id", "account_id", "account_tag", "gateway_id", "created_at", "modified_at"}
MOST_FILTERS = 10
LONGEST_FILTERS = 100_000
"""Bytes of filters as JSON: an evaluation keeps those of ten datasets in one value."""


class Dataset(BaseModel):
    """What a dataset is made of."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(min_length=1, max_length=256)]
    enable: bool
    filters: Annotated[list[Filter], Field(max_length=MOST_FILTERS)]
    """Without any: every row of the log."""


class ShownDataset(Dataset):
    """A dataset, as it is shown."""

    id: str
    account_id: str
    account_tag: str
    gateway_id: str
    created_at: str
    modified_at: str


class DatasetQuery(Searched):
    """Which datasets are asked for."""

    name: Text = ""
    enable: Flag | None = None


@shaped(list[ShownDataset], query=DatasetQuery)
async def list_datasets(task: Task, gateway: str) -> Reply:
    """Return a page of a gateway's datasets, the oldest first. Raises Invalid, GatewayNotFound."""
    asked, database = queried(DatasetQuery, task.query), task.ports.database
    enable = None if asked.enable is None else int(asked.enable)
    values = (await internal_id(task, gateway), asked.search, asked.name, enable)
    total = (await database.all(_COUNT, *values))[0]["total"]
    rows = await database.all(_LIST, *values, asked.per_page, asked.offset)
    shown = [_shown(task, gateway, row) for row in rows]
    return success(shown, asked.info(len(rows), total))


@shaped(ShownDataset, body=Dataset)
async def create_dataset(task: Task, gateway: str) -> Reply:
    """Make a dataset. Raises Invalid and GatewayNotFound."""
    number = await internal_id(task, gateway)
    asked, now = checked(Dataset, await read_object(task), _READ_ONLY), task.ports.clock()
    values = (number, uuid7(now), *_values(asked), round(now))
    rows = await task.ports.database.all(_INSERT, *values)
    return success(_shown(task, gateway, rows[0]))


@shaped(ShownDataset)
async def get_dataset(task: Task, gateway: str, dataset_id: str) -> Reply:
    """Return a dataset. Raises GatewayNotFound and DatasetNotFound."""
    number = await internal_id(task, gateway)
    rows = await task.ports.database.all(_GET, number, dataset_id)
    return success(_shown(task, gateway, _only(rows, dataset_id)))


@shaped(ShownDataset, body=Dataset)
async def replace_dataset(task: Task, gateway: str, dataset_id: str) -> Reply:
    """Replace a dataset. Raises Invalid, GatewayNotFound and DatasetNotFound."""
    number = await internal_id(task, gateway)
    asked = checked(Dataset, await read_object(task), _READ_ONLY)
    values = (number, dataset_id, *_values(asked), round(task.ports.clock()))
    rows = await task.ports.database.all(_UPDATE, *values)
    return success(_shown(task, gateway, _only(rows, dataset_id)))


@shaped(ShownDataset)
async def delete_dataset(task: Task, gateway: str, dataset_id: str) -> Reply:
    """Delete a dataset. Evaluations of it stay. Raises GatewayNotFound and DatasetNotFound."""
    number = await internal_id(task, gateway)
    rows = await task.ports.database.all(_DELETE, number, dataset_id)
    return success(_shown(task, gateway, _only(rows, dataset_id)))


async def find_datasets(
    task: Task, gateway: str, number: int, wanted: Sequence[str]
) -> list[dict[str, Any]]:
    """Return the datasets of some ids, as they are shown.

    Raises Invalid, with the path `dataset_ids`, where one does not exist or is not enabled.
    """
    rows = await task.ports.database.all(_SOME, number, json.dumps(wanted))
    found = {row["id"]: _shown(task, gateway, row) for row in rows}
    problems = [
        (_problem(found.get(one)), ["body", "dataset_ids", str(at)])
        for at, one in enumerate(wanted)
    ]
    if any(problem for problem, _ in problems):
        raise Invalid([(problem, path) for problem, path in problems if problem])
    return [found[one] for one in dict.fromkeys(wanted)]


def _problem(dataset: Mapping[str, Any] | None) -> str:
    if dataset is None:
        return "No dataset of the gateway has this id"
    return "" if dataset["enable"] else "This dataset is not enabled"


def _values(asked: Dataset) -> tuple[str, int, str]:
    """Return the values of a row. Raises Invalid."""
    filters = json.dumps([one.model_dump() for one in asked.filters], ensure_ascii=False)
    if len(filters.encode()) > LONGEST_FILTERS:
        rule = f"All filters have more than {LONGEST_FILTERS:,} bytes. Use fewer values"
        raise Invalid([(rule, ["body", "filters"])])
    return asked.name, int(asked.enable), filters


def _only(rows: Sequence[Row], dataset_id: str) -> Row:
    if not rows:
        raise DatasetNotFound(dataset_id)
    return rows[0]


def _shown(task: Task, gateway: str, row: Row) -> dict[str, object]:
    return {
        "id": row["id"],
        "account_id": task.account,
        "account_tag": task.account,
        "gateway_id": gateway,
        "name": row["name"],
        "enable": bool(row["enable"]),
        "filters": json.loads(row["filters"]),
        "created_at": iso(row["created_at"]),
        "modified_at": iso(row["modified_at"]),
    }
