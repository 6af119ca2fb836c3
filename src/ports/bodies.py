"""Bodies: opaque to the core until somebody needs their text."""

from collections.abc import AsyncIterator, Awaitable
from hashlib import sha256
from typing import Literal, Protocol

from values import value

State = Literal["complete", "broken", "left"]
"""`broken`: the provider closed the connection early. `left`: the caller did."""


@value
class Ending:
    """How the body of a reply ended, and what it was."""

    state: State
    text: str | None = None
    """The text, as far as it came. None for a body that is not text, or that is too long."""
    size: int | None = None
    """Bytes that were read. None where the body passed through unread."""
    close_code: int | None = None
    """Of a WebSocket (RFC 6455, section 7.4)."""
    copy: object = None
    """The bytes of a whole body, owned by the runtime. None where nobody asked for them in time,
    or where they are more than was asked for."""
    first_byte: float | None = None
    """Epoch milliseconds at which the body began to come: of one that was read before it left, at
    which it was there. None where nobody read it."""
    ended: float | None = None
    """Epoch milliseconds at which it ended. None where it had ended before it left."""


class Body(Protocol):
    """The body of a request, owned by the runtime: opaque until somebody needs its text."""

    size: int | None
    """Bytes, where the caller announced them or the body has been read."""

    async def text(self) -> str | None:
        """Read the body, once, and return its text. None where it is too long to be held.

        Raises ClientLeft.
        """
        ...

    async def keep(self) -> bool:
        """Read the body, so that it can be sent more than once. False where it is too long.

        Raises ClientLeft.
        """
        ...

    async def digest(self) -> str | None:
        """Return the SHA-256 of the body, in hexadecimal. None where it is too long to be held.

        Raises ClientLeft.
        """
        ...


class TextBody:
    """The body of a request that is made here."""

    def __init__(self, text: str) -> None:
        self.content = text
        self.size: int | None = len(text.encode())

    async def text(self) -> str | None:
        """Return the text."""
        return self.content

    async def keep(self) -> bool:
        """Return whether the body can be sent more than once: it can."""
        return True

    async def digest(self) -> str | None:
        """Return the SHA-256 of the text."""
        return sha256(self.content.encode()).hexdigest()


class ReplyBody(Protocol):
    """The body of a reply, owned by the runtime, which hands it to the caller natively."""

    @property
    def held(self) -> bool:
        """Whether the body has been read, so that its ending is known."""
        ...

    @property
    def ended(self) -> Ending | None:
        """How the body ended, where it has been read."""
        ...

    async def begin(self) -> None:
        """Wait for the first byte, which stays in it. Raises Unreachable and ClientLeft.

        Whoever is cancelled meanwhile has given the body up.
        """
        ...

    async def hold(self, error: bool) -> None:
        """Read a body that is short, so that it leaves whole or not at all.

        An error is read even if it does not announce that it is short; a stream, or another answer
        that does not, stays as it is. Raises Unreachable where the provider breaks off, and
        ClientLeft.
        """
        ...

    async def first(self) -> str:
        """Return the text of a stream's first events, which stay in it. Empty for other bodies.

        Raises Unreachable and ClientLeft.
        """
        ...

    def discard(self) -> None:
        """Give the body up: nobody will read on. Its ending is what has been read."""
        ...

    def texts(self) -> AsyncIterator[str]:
        """Deliver the body here instead of to the caller: its text, piece by piece as it comes.

        Raises Unreachable where the provider breaks off, and ClientLeft.
        """
        ...

    def watch(self, copy: int = 0) -> Awaitable[Ending]:
        """Ask how the body will end, before it leaves. May be asked more than once.

        `copy` asks for its bytes as well, where they are no more than that. A body that nobody
        watches passes through at no cost.
        """
        ...
