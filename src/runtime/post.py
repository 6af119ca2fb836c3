"""The Post port: the runtime's own `fetch`, in the name of no caller, who may have left."""

from collections.abc import Mapping

from js import AbortSignal, fetch
from pyodide.ffi import JsException

from ports import Posted, PostError
from runtime.convert import headers_in, object_out

PATIENCE_MS = 5_000
"""How long an answer may take."""
TEXT = 4_096
"""Characters of it that cross into Python."""


class JsPost:
    """Sends texts."""

    async def __call__(self, url: str, headers: Mapping[str, str], text: str) -> Posted:
        """Send a text, and read what is answered. Raises PostError."""
        # Credentials are in the headers: they go to this host and to no other.
        init = object_out({"method": "POST", "headers": dict(headers), "redirect": "manual"})
        init.body = text
        init.signal = AbortSignal.timeout(PATIENCE_MS)
        try:
            response = await fetch(url, init)
            answer: str = (await response.text())[:TEXT]
        except JsException as error:
            # Its message may name the address, which may be a secret.
            raise PostError(error.name) from None
        return Posted(response.status, headers_in(response.headers), answer)
