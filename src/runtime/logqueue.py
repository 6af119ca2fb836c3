"""The Queue port on Cloudflare Queues, and what takes messages from one."""

from typing import Any

from pyodide.ffi import JsException

from logs.storage import store
from ports import QueueError
from runtime.convert import object_out
from runtime.database import D1
from runtime.tails import DoAudience

_TEXT = {"contentType": "text"}


class JsQueue:
    """A queue binding."""

    def __init__(self, binding: Any) -> None:
        self._binding = binding

    async def send(self, text: str) -> None:
        """Send a message. Raises QueueError."""
        try:
            await self._binding.send(text, object_out(_TEXT))
        except JsException as error:
            raise QueueError(error.message) from None


async def consume(batch: Any, env: Any) -> None:
    """Write a batch of messages to the database, and show them. What fails comes again."""
    texts = [message.body for message in batch.messages]
    await store(texts, D1(env.DB), DoAudience(env))
