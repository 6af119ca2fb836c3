"""The JSON body of a request to the management API."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, TypeVar, cast

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from api.task import Task
from errors import Invalid

M = TypeVar("M", bound=BaseModel)
Problem = tuple[str, list[str]]

LONGEST = 1_000_000
"""Bytes of a body: the database takes no value of more than twice as many."""
_OBJECT = TypeAdapter(dict[str, Any])
_SHOULD = "Input should be "


async def read_object(task: Task) -> dict[str, Any]:
    """Return the body, which is an object. Raises Invalid and ClientLeft."""
    text = await task.request.body.text() if task.request.body else ""
    if text is None or len(text.encode()) > LONGEST:
        raise Invalid([(f"The body has more than {LONGEST:,} bytes. Send less", ["body"])])
    try:
        return _OBJECT.validate_json(text)
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


def problems(error: ValidationError, given: object, *place: str) -> list[Problem]:
    """Return what a model found wrong with what was given, and where: one problem for each path.

    `place` is where it was given, the body where nothing is said.
    """
    found: dict[tuple[str, ...], list[str]] = {}
    for wrong in error.errors(include_url=False):
        path = (*(place or ("body",)), *_path(wrong, given))
        found.setdefault(path, []).append(_rule(wrong))
    return [(_joined(rules), list(path)) for path, rules in found.items()]


def _rule(wrong: ErrorDetails) -> str:
    if "expected_tags" in (about := wrong.get("ctx", {})):
        return _SHOULD + " or ".join(about["expected_tags"].rsplit(", ", 1))
    return "Field required" if "discriminator" in about else wrong["msg"]


def _joined(rules: Sequence[str]) -> str:
    """Return the rules of which one would do, as one."""
    first, *others = dict.fromkeys(rules)
    return " or ".join([first, *(other.removeprefix(_SHOULD) for other in others)])


def _path(wrong: ErrorDetails, given: object) -> Iterator[str]:
    """Yield the steps to what is wrong, without those that name a member of a union, or a key."""
    at = given
    for step in wrong["loc"]:
        if wrong["type"] != "missing" and at is wrong["input"]:
            break
        if _leads(at, step):
            yield str(step)
            at = cast("Any", at)[step]
    # What is not there is told by the last step, or by what would have said which model it is.
    if wrong["type"] == "missing":
        yield str(wrong["loc"][-1])
    elif "discriminator" in (about := wrong.get("ctx", {})):
        yield about["discriminator"].strip("'")


def _leads(at: object, step: str | int) -> bool:
    """Return whether a step leads from a place to another one."""
    if isinstance(at, Mapping):
        return step in cast("Mapping[object, object]", at)
    if isinstance(at, list) and isinstance(step, int):
        return step < len(cast("list[object]", at))
    return False
