"""What methods that other Workers call need: errors that they can read, and no way past them.

Any name can be called over RPC, and what escapes from a method arrives as a whole traceback.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import _pyodide_entrypoint_helper as helper
import workers
from js import Array, Error, Object, Reflect
from pyodide.ffi import create_once_callable, create_proxy

from boundary import Survived

_sdk: Any = workers
_CONVERTING = Survived("an argument of another Worker cannot be converted")


def thrown(name: str, message: str) -> Any:
    """Return what makes the caller's promise fail with an error, when a method returns it.

    A JavaScript error that Python raises becomes an error of Python's on its way. A thenable is
    followed by the promise of the method; this one is a function too, for the SDK lets no other
    awaitable through.
    """
    error = Error.new(message)
    error.name = name
    error.stack = ""
    thenable = Object.bind(None)
    thenable.then = create_once_callable(lambda _resolve, reject: reject(error))  # pyright: ignore[reportUnknownLambdaType]
    return thenable


def target(**methods: Callable[..., Awaitable[Any]]) -> Any:
    """Return an RpcTarget with some methods, and nothing else that could be called."""
    base = helper.cloudflareWorkersModule.RpcTarget
    prototype = Object.create(base.prototype)
    for name, method in methods.items():
        setattr(prototype, name, create_proxy(method))
    # What `class extends RpcTarget` would be: a constructor with that prototype.
    constructor = Object.bind(None)
    constructor.prototype = prototype
    return Reflect.construct(base, Array.of(), constructor)


class Unconverted:
    """What stands for an argument of which the SDK can make nothing: no method takes it."""


def converted(argument: Any) -> Any:
    """Return an argument as the SDK makes it, or what stands for it. Raises nothing."""
    with _CONVERTING:  # a date that is none, a set of objects, …
        return _sdk.rpc.python_from_rpc(argument)
    return Unconverted()


def install() -> None:
    """Let arguments be converted here: before a method begins, nobody could catch what escapes.

    The platform takes the function of that name when the Worker's own modules have been loaded.
    """
    _sdk.python_from_rpc = converted


class Locked:
    """An entry point of which the methods in METHODS can be called, and nothing else be reached."""

    METHODS: frozenset[str] = frozenset()

    def __getattribute__(self, name: str) -> Any:
        if name in type(self).METHODS:
            return object.__getattribute__(self, name)
        # A name that promises look for would make the object one.
        if name.startswith("_") or name == "then":
            raise AttributeError(name)

        async def refuse(*_arguments: object) -> Any:
            return thrown("TypeError", f"The gateway has no method {name!r}")

        return refuse
