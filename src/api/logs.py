"""The log: its rows, their bodies, and what people think of them."""

import json
from typing import Annotated, Any
from urllib.parse import parse_qs

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from api.body import checked, read_object
from api.envelope import success
from api.gateways import internal_id
from api.log_search import Search
from api.log_shape import Deleted, DeletedQuery, LogQuery, ShownLog, ShownLogWithHeads
from api.log_shown import heads, shown
from api.paging import Page, whole
from api.route import shaped
from api.task import Task
from call import Reply
from errors import BadParameter, BodyNotFound, LogNotFound
from logs.deletion import SIZE, delete_rows, groups
from logs.row import COLUMNS, HEAD_LENGTH
from options import JSON_LENGTH
from ports import Row

DELETE_LIMIT = 10_000
"""Rows that one request may delete."""
_BATCH = 1_000

_COLUMNS = ", ".join((*COLUMNS, "feedback", "score"))
_GET = f"SELECT {_COLUMNS} FROM logs WHERE gateway_id = ?1 AND id = ?2"  # noqa: S608 - our own names
_HEADS = f"""
SELECT side, substr(body, 1, {HEAD_LENGTH}) AS head,
  length(body) <= {HEAD_LENGTH} AS complete
FROM payloads WHERE gateway_id = ?1 AND log_id = ?2 AND part = 0
"""  # noqa: S608
# Part 0 is written last: without it there is no more than a beginning of the rest.
_PART = """
SELECT body FROM payloads WHERE gateway_id = ?1 AND log_id = ?2 AND side = ?3 AND part = ?4
"""
_JUDGE = f"""
UPDATE logs SET
  feedback = CASE WHEN json_type(?3, '$.feedback') IS NULL THEN feedback
    ELSE ?3 ->> '$.feedback' END,
  score = CASE WHEN json_type(?3, '$.score') IS NULL THEN score ELSE ?3 ->> '$.score' END,
  metadata = CASE WHEN json_type(?3, '$.metadata') IS NULL THEN metadata
    ELSE ?3 ->> '$.metadata' END
WHERE gateway_id = ?1 AND id = ?2 RETURNING {_COLUMNS}
"""  # noqa: S608


_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Metadata = dict[str, str | int | _Finite | bool]


def _short(metadata: _Metadata) -> _Metadata:
    """Return metadata that is no longer than a caller's may be. Raises PydanticCustomError."""
    if len(json.dumps(metadata, ensure_ascii=False)) > JSON_LENGTH:
        rule = "Use at most {most} characters, as JSON"
        raise PydanticCustomError("length", rule, {"most": JSON_LENGTH})
    return metadata


class Judgement(BaseModel):
    """What a client may change of a row."""

    model_config = ConfigDict(extra="forbid", strict=True)

    feedback: Annotated[float, Field(ge=-1, le=1, multiple_of=1)] | None = None
    score: _Finite | None = None
    metadata: Annotated[_Metadata, Field(max_length=100), AfterValidator(_short)] | None = None


@shaped(list[ShownLog], query=LogQuery)
async def list_logs(task: Task, gateway: str) -> Reply:
    """Return a page of the rows that a query asks for, the newest first unless it says otherwise.

    Raises BadParameter, Invalid and GatewayNotFound.
    """
    page = Page.of(task.query)
    gateway_id = await _internal_id(task, gateway)
    search = Search.of(task.query, gateway_id)
    rows, found = await search.page(task.ports.database, _COLUMNS, page)
    return success([shown(row) for row in rows], page.info(len(rows)) | found)


@shaped(ShownLogWithHeads, LogNotFound)
async def get_log(task: Task, gateway: str, log_id: str) -> Reply:
    """Return one row, with the heads of both bodies. Raises GatewayNotFound and LogNotFound."""
    gateway_id = await _internal_id(task, gateway)
    row = await _row(task, gateway_id, log_id)
    rows = await task.ports.database.all(_HEADS, gateway_id, log_id)
    return success(shown(row) | heads(rows))


@shaped(Any, LogNotFound, BodyNotFound, bare="*/*")
async def get_request(task: Task, gateway: str, log_id: str) -> Reply:
    """Return the body of a request as it came.

    Raises GatewayNotFound, LogNotFound and BodyNotFound.
    """
    return await _body(task, gateway, log_id, "request")


@shaped(Any, LogNotFound, BodyNotFound, bare="*/*")
async def get_response(task: Task, gateway: str, log_id: str) -> Reply:
    """Return the body of an answer as it went.

    Raises GatewayNotFound, LogNotFound and BodyNotFound.
    """
    return await _body(task, gateway, log_id, "response")


@shaped(ShownLog, LogNotFound, body=Judgement)
async def judge_log(task: Task, gateway: str, log_id: str) -> Reply:
    """Set the feedback, the score or the metadata of a row, and leave what is not named.

    Raises Invalid, GatewayNotFound and LogNotFound.
    """
    body = await read_object(task)
    given = checked(Judgement, body).model_dump(exclude_unset=True)
    if given.get("metadata") == {}:
        given["metadata"] = None
    gateway_id = await _internal_id(task, gateway)
    rows = await task.ports.database.all(
        _JUDGE, gateway_id, log_id, json.dumps(given, ensure_ascii=False)
    )
    if not rows:
        raise LogNotFound(log_id)
    return success(shown(rows[0]))


@shaped(Deleted, query=DeletedQuery)
async def delete_logs(task: Task, gateway: str) -> Reply:
    """Delete rows that a query asks for, with their bodies.

    Raises BadParameter, Invalid and GatewayNotFound.
    """
    given = parse_qs(task.query, keep_blank_values=True)
    for name, values in given.items():
        # One that is misspelt must not delete everything.
        if name not in DeletedQuery.model_fields and not name.startswith("filters"):
            raise BadParameter(name, values[-1], f"Use {', '.join(DeletedQuery.model_fields)}")
    limit = whole(given, "limit", DELETE_LIMIT, DELETE_LIMIT)
    search = Search.of(task.query, await _internal_id(task, gateway), usual="asc")
    deleted = 0
    while deleted < limit:
        most = min(_BATCH, limit - deleted)
        rows = await search.all(task.ports.database, f"id, {SIZE} AS size", most)
        for ids in groups(rows):
            await delete_rows(task.ports.database, search.gateway_id, ids)
        deleted += len(rows)
        if len(rows) < _BATCH:
            break
    return success({"deleted": deleted})


async def _internal_id(task: Task, gateway: str) -> int:
    # Who asks for the log after a request expects to find it there.
    await task.isolate.journal.flush(task.ports.database, task.ports.tails)
    return await internal_id(task, gateway)


async def _row(task: Task, gateway_id: int, log_id: str) -> Row:
    rows = await task.ports.database.all(_GET, gateway_id, log_id)
    if not rows:
        raise LogNotFound(log_id)
    return rows[0]


async def _body(task: Task, gateway: str, log_id: str, side: str) -> Reply:
    gateway_id = await _internal_id(task, gateway)
    row = await _row(task, gateway_id, log_id)
    parts: list[str] = []
    # One at a time: an answer of the database is bounded as well.
    while rows := await task.ports.database.all(_PART, gateway_id, log_id, side, len(parts)):
        parts.append(rows[0]["body"])
    if not parts:
        raise BodyNotFound(side, log_id)
    headers = {
        "content-type": row[f"{side}_content_type"] or "text/plain",
        "cache-control": "no-store",
        # What a stranger wrote is never a page of ours.
        "content-disposition": "attachment",
        "content-security-policy": "sandbox",
        "x-content-type-options": "nosniff",
    }
    return Reply(200, headers, "".join(parts))
