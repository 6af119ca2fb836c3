"""The JSON body of a request to the management API."""

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

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
        raise Invalid(problems(error)) from None


def checked(model: type[M], body: Mapping[str, Any], read_only: Collection[str] = ()) -> M:
    """Return a body as a model. Raises Invalid.

    `read_only` is what answers add: whoever sends an answer back has not made a mistake.
    """
    given = {name: value for name, value in body.items() if name not in read_only}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise Invalid(problems(error)) from None


def problems(error: ValidationError) -> list[Problem]:
    """Return what a model found wrong with a body, and where."""
    return [(wrong["msg"], ["body", *map(str, wrong["loc"])]) for wrong in error.errors()]
