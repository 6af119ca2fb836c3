"""One request of the management API, and what it is answered with."""

from dataclasses import dataclass

from call import Request
from isolate import Isolate
from ports import Ports


@dataclass(frozen=True, slots=True)
class Task:
    """What a handler of the management API gets."""

    account: str
    query: str
    request: Request
    isolate: Isolate
    ports: Ports
