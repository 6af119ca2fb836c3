"""What the requests of one isolate share: plain data only."""

from breaker import Breaker
from charges.leases import Leases
from deployment import Deployment
from gateways import Gateways
from keys.keyring import Keyring
from keys.vault import Vault
from logs.journal import CLUSTER_PAUSES_S, PAUSES_S, Journal
from ports import Clock
from signing.base import Minted
from traces.exporter import Exporter


class Isolate:
    """What one isolate knows, for as long as it lives."""

    def __init__(self, deployment: Deployment, clock: Clock, linger: float = 0.0) -> None:
        """Rows of the log wait `linger` seconds for others, to be written together."""
        self.deployment = deployment
        self.gateways = Gateways(clock)
        pauses = CLUSTER_PAUSES_S if deployment.cluster else PAUSES_S
        self.journal = Journal(clock, linger, pauses)
        self.exporter = Exporter(clock, linger)
        self.breaker = Breaker(clock)
        self.leases = Leases(clock)
        self.keyring = Keyring(clock)
        self.vault = Vault(deployment.encryption_key, deployment.encryption_key_old)
        self.minted: dict[str, Minted] = {}
