"""One request of the management API, and what it is answered with."""

from dataclasses import dataclass

from call import Request
from gateways import Gateways
from journal import Journal
from ports import Ports


@dataclass(frozen=True, slots=True)
class Task:
    """What a handler of the management API gets."""

    account: str
    query: str
    request: Request
    gateways: Gateways
    journal: Journal
    ports: Ports
