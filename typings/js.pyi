# JavaScript's globals, as Pyodide offers them: their types are JavaScript's own business.
from typing import Any

def __getattr__(name: str) -> Any: ...
