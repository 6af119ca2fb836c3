# pycapnp makes its classes from a schema at run time.
from typing import Any

def load(path: str) -> Any: ...
