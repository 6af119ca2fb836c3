"""The JSON body of a request to the management API."""

import json
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError

from api.task import Task
from errors import Invalid

M = TypeVar("M", bound=BaseModel)
Problem = tuple[str, list[str]]


async def read_object(task: Task) -> dict[str, Any]:
    """Return the body, which is an object. Raises Invalid and ClientLeft."""
    text = await task.request.body.text() if task.request.body else None
    try:
        body: object = json.loads(text or "")
    except (ValueError, RecursionError):
        raise Invalid([("The body is not JSON", ["body"])]) from None
    if not isinstance(body, dict):
        raise Invalid([("The body is not a JSON object", ["body"])])
    return cast("dict[str, Any]", body)


async def read_model(task: Task, model: type[M]) -> M:
    """Return the body as a model. Raises Invalid and ClientLeft."""
    body = await read_object(task)
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise Invalid(problems(error)) from None


def problems(error: ValidationError) -> list[Problem]:
    """Return what a model found wrong with a body, and where."""
    return [(wrong["msg"], ["body", *map(str, wrong["loc"])]) for wrong in error.errors()]
