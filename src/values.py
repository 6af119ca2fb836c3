"""The values of which a request makes dozens."""

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(kind: type[T]) -> type[T]:
    """Make a class a dataclass that is frozen as the type checker sees it, and hashable.

    At run time it is not: a frozen one sets each of its fields by a call, which takes five times as
    long.
    """
    return dataclass(slots=True, unsafe_hash=True)(kind)
