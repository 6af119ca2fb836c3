"""What the table of the management API is made of, and what its actions say of themselves."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from pydantic import BaseModel

from call import Reply
from errors import GatewayError, MethodNotAllowed

Action = Callable[..., Awaitable[Reply]]
"""Takes a Task and what the path names. The first word of its name says what it does."""
A = TypeVar("A", bound=Action)

READS = ("GET", "HEAD")
_NAME = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, eq=False)
class Route:
    """A path, and what may be done with what lies there."""

    path: str
    """With the names of what it leads to: `gateways/{gateway}`."""
    actions: Mapping[str, Action]
    """By the method."""
    resource: str
    """What lies there, in one word."""
    scope: str | None = None
    """Who may. None: `read` or `edit`, as the method is."""
    told: tuple[str, ...] = ()
    """Which of its members are written down where it is changed. Without any: all."""

    @property
    def names(self) -> list[str]:
        """What the path names."""
        return _NAME.findall(self.path)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What finds the path, and in it what it names."""
        return re.compile(_NAME.sub("([^/]+)", self.path))

    def action(self, method: str) -> Action:
        """Return what a method does. Raises MethodNotAllowed."""
        actions = dict(self.actions)
        if "GET" in actions:
            actions["HEAD"] = actions["GET"]
        if method not in actions:
            raise MethodNotAllowed(method, ", ".join(actions))
        return actions[method]


@dataclass(frozen=True, slots=True)
class Shape:
    """What an action takes, and what it answers with."""

    result: Any = Any
    """A type. A list has pages."""
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    refusals: tuple[type[GatewayError], ...] = field(default=())
    """The errors that do not follow from the rest."""
    bare: str | None = None
    """The content type of a result that stands alone, in no envelope."""
    partial: bool = False
    """Whether a body need not name everything."""


_SHAPES: dict[Action, Shape] = {}


def shaped(
    result: Any,
    *refusals: type[GatewayError],
    body: type[BaseModel] | None = None,
    query: type[BaseModel] | None = None,
    bare: str | None = None,
    partial: bool = False,
) -> Callable[[A], A]:
    """Say of an action what it takes and what it answers with."""

    def note(action: A) -> A:
        _SHAPES[action] = Shape(result, body, query, refusals, bare, partial)
        return action

    return note


def shape(action: Action) -> Shape:
    """Return what an action takes and answers with. One that does not say answers anything."""
    return _SHAPES.get(action, Shape())


def verb(action: Action) -> str:
    """Return what an action does, in one word."""
    return action.__name__.partition("_")[0]
