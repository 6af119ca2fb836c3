"""Values across the border between JavaScript and Python, in as few crossings as can be.

A crossing costs 1 to 40 us, whatever it carries. So structured values cross as one JSON text.
"""

import json
from typing import Any

from js import JSON, Object
from pyodide.ffi import JsProxy

# Looked up once: each look makes an object of the method, and asks it what it can do.
_from_entries, _parse = Object.fromEntries, JSON.parse


def headers_in(headers: JsProxy) -> dict[str, str]:
    """Return the entries of a JS `Headers`: names in lower case, repeated values joined."""
    return _from_entries(headers).to_py()


def object_out(value: dict[str, Any]) -> Any:
    """Return a JS object of a JSON-like dict."""
    return _parse(json.dumps(value))
