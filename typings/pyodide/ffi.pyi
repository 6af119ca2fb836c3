# What the runtime uses of Pyodide's foreign function interface.
from typing import Any

class JsProxy:
    def __getattr__(self, name: str) -> Any: ...

class JsException(Exception):
    name: str
    message: str

jsnull: Any

def to_js(value: Any) -> Any: ...
def create_once_callable(value: Any) -> Any: ...
def create_proxy(value: Any) -> Any: ...
