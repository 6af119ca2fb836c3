"""Values across the border between JavaScript and Python, in as few crossings as can be.

A crossing costs 1 to 40 us, whatever it carries. So structured values cross as one JSON text.
"""

import json
from typing import Any

from js import JSON, Object
from pyodide.ffi import JsProxy


def headers_in(headers: JsProxy) -> dict[str, str]:
    """Return the entries of a JS `Headers`: names in lower case, repeated values joined."""
    return json.loads(JSON.stringify(Object.fromEntries(headers)))


def object_out(value: dict[str, Any]) -> Any:
    """Return a JS object of a JSON-like dict."""
    return JSON.parse(json.dumps(value))
