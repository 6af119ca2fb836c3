"""The JSON body of a request to the management API."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeVar, cast

from pydantic import BaseModel, TypeAdapter, ValidationError

from api.task import Task
from errors import Invalid

M = TypeVar("M", bound=BaseModel)
Problem = tuple[str, list[str]]

_OBJECT = TypeAdapter(dict[str, Any])


async def read_object(task: Task) -> dict[str, Any]:
    """Return the body, which is an object. Raises Invalid and ClientLeft."""
    text = await task.request.body.text() if task.request.body else None
    try:
        return _OBJECT.validate_json(text or "")
    except ValidationError as error:
        raise Invalid(problems(error, None)) from None


def checked(
    model: type[M],
    body: Mapping[str, Any],
    read_only: Collection[str] = (),
    required: Collection[str] = (),
) -> M:
    """Return a body as a model. Raises Invalid.

    `read_only` is what answers add: whoever sends an answer back has not made a mistake. `required`
    must be named, whatever its default.
    """
    given = {name: value for name, value in body.items() if name not in read_only}
    found = [("Required", ["body", name]) for name in required if name not in given]
    try:
        checked = model.model_validate(given)
    except ValidationError as error:
        raise Invalid(found + problems(error, given)) from None
    if found:
        raise Invalid(found)
    return checked


def problems(error: ValidationError, given: object, place: str = "body") -> list[Problem]:
    """Return what a model found wrong with what was given, and where."""
    return [(wrong["msg"], [place, *_path(wrong["loc"], given)]) for wrong in error.errors()]


def _path(steps: Sequence[str | int], given: object) -> list[str]:
    """Return the steps that lead to a place, without those that name a member of a union."""
    path: list[str] = []
    at = given
    for index, step in enumerate(steps):
        members = cast("Mapping[object, object]", at if isinstance(at, Mapping) else {})
        tag = step not in members and step in members.values() and index + 1 < len(steps)
        if not tag:
            path.append(str(step))
            at = _member(at, step)
    return path


def _member(at: Any, step: str | int) -> object:
    try:
        return at[step]
    except (KeyError, IndexError, TypeError):
        return None
