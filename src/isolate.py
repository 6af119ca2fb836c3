"""What the requests of one isolate share: plain data only."""

from breaker import Breaker
from deployment import Deployment
from exporter import Exporter
from gateways import Gateways
from journal import Journal
from keyring import Keyring
from leases import Leases
from ports import Clock
from signing.base import Minted
from vault import Vault


class Isolate:
    """What one isolate knows, for as long as it lives."""

    def __init__(self, deployment: Deployment, clock: Clock, linger: float = 0.0) -> None:
        """Rows of the log wait `linger` seconds for others, to be written together."""
        self.deployment = deployment
        self.gateways = Gateways(clock)
        self.journal = Journal(clock, linger)
        self.exporter = Exporter(clock, linger)
        self.breaker = Breaker(clock)
        self.leases = Leases(clock)
        self.keyring = Keyring(clock)
        self.vault = Vault(deployment.encryption_key, deployment.encryption_key_old)
        self.minted: dict[str, Minted] = {}
