"""The log as it grows, as a stream of events or a WebSocket."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from api.gateways import internal_id
from api.route import shaped
from api.task import Task
from call import Reply
from errors import TailFailed
from logs.tail import TEXT_LENGTH, Filter
from ports import TailsError
from sockets import asks_for_socket

_HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    # Nobody on the way may keep it, hold it back or compress it.
    "cache-control": "no-store, no-transform",
}

_Texts = list[Annotated[str, Field(min_length=1, max_length=TEXT_LENGTH)]] | None
_Flags = list[Literal["true", "false"]] | None


class TailQuery(BaseModel):
    """Which rows are wanted: for each parameter, any of its values."""

    provider: _Texts = None
    model: _Texts = None
    success: _Flags = None
    cached: _Flags = None
    status: list[Annotated[str, Field(pattern="^[1-5](xx|[0-9]{2})$")]] | None = None
    token_id: _Texts = None
    event_id: _Texts = None
    metadata_key: Annotated[_Texts, Field(alias="metadata.key")] = None
    metadata_value: Annotated[_Texts, Field(alias="metadata.value")] = None


@shaped(str, TailFailed, query=TailQuery, bare="text/event-stream")
async def tail_logs(task: Task, gateway: str) -> Reply:
    """Return a gateway's rows as they are written, those that the query asks for.

    Raises BadParameter, GatewayNotFound, and TailFailed where too many listen already.
    """
    wanted = Filter.of(task.query)
    number = await internal_id(task, gateway)
    if task.request.method == "HEAD":
        return Reply(200, dict(_HEADERS))
    socket = asks_for_socket(task.request.headers)
    try:
        opened = await task.ports.tails.listen(number, wanted.dump(), socket=socket)
    except TailsError:
        raise TailFailed from None
    return Reply(101, {}, opened) if socket else Reply(200, dict(_HEADERS), opened)
