"""Chooses among the stored keys of a provider: in turn, and none that a provider has refused."""

from errors import UnknownAlias
from ports import Clock
from snapshot import DEFAULT_ALIAS, Gateway, StoredKey

REST_MS = 60_000
"""How long a key rests that a provider refused without saying for how long."""
MEMORY = 10_000
"""Keys and aliases that an isolate remembers something of."""


class Keyring:
    """What one isolate knows of stored keys: whose turn it is, and which of them rest."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._turns: dict[tuple[int, str, str | None], int] = {}
        # By what they are, not by their ids: a key that was exchanged for another is not tired.
        self._rests: dict[str, float] = {}

    def choose(self, gateway: Gateway, provider: str, alias: str | None) -> StoredKey | None:
        """Return the key whose turn it is. None where the gateway has none for the provider.

        A key that rests is passed over, unless all do: then it is the one that wakes first.
        Raises UnknownAlias.
        """
        keys = stored(gateway, provider, alias)
        if len(keys) < 2:
            return keys[0] if keys else None
        name = (gateway.internal_id, provider, alias)
        if len(self._turns) >= MEMORY:
            self._turns.clear()
        turn = self._turns[name] = self._turns.get(name, -1) + 1
        now = self._clock()
        order = [keys[(turn + step) % len(keys)] for step in range(len(keys))]
        # A stable sort: among those awake the turn decides.
        return min(order, key=lambda key: max(self._rests.get(key.sealed, 0.0), now))

    def rest(self, key: StoredKey, wait: float) -> None:
        """Let a key rest for `wait` milliseconds or, where nobody said how long, a minute."""
        if len(self._rests) >= MEMORY:
            self._rests.clear()
        self._rests[key.sealed] = self._clock() + (wait or REST_MS)

    def spare(self, gateway: Gateway, key: StoredKey, alias: str | None) -> bool:
        """Return whether another key could be used at once in place of this one."""
        now = self._clock()
        others = (each for each in stored(gateway, key.provider, alias) if each.id != key.id)
        return any(self._rests.get(other.sealed, 0.0) <= now for other in others)


def stored(gateway: Gateway, provider: str, alias: str | None) -> list[StoredKey]:
    """Return the keys of an alias, or those that are used without one. Raises UnknownAlias."""
    keys = [key for key in gateway.keys if key.provider == provider]
    if alias is None:
        return [key for key in keys if key.default or key.alias == DEFAULT_ALIAS]
    named = [key for key in keys if key.alias == alias]
    if not named:
        raise UnknownAlias(provider, alias, sorted({key.alias for key in keys}))
    return named
