"""Encrypts what must not lie in the database as it is, under a secret of the Worker.

A sealed text names the secret that it was sealed under, so that an old one and a new one can be
there side by side: all that is written goes under the new one, and the old one still opens.
"""

import hashlib
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode

from errors import Misconfigured
from ports import Crypto, CryptoError

MEMORY = 1_000
"""Opened texts that an isolate remembers."""
_NONCE = 12


class Vault:
    """The secrets of one deployment, and what was opened with them."""

    def __init__(self, secret: str | None, old: str | None = None) -> None:
        self._secret = secret
        self._keys = {_name(text): _key(text) for text in (old, secret) if text}
        self._opened: dict[tuple[str, str], str] = {}

    async def seal(self, text: str, context: str, crypto: Crypto) -> str:
        """Encrypt a text for one context, in which alone it can be opened.

        Raises Misconfigured where the deployment has no secret.
        """
        if self._secret is None:
            raise Misconfigured("ENCRYPTION_KEY is not set: nothing can be stored encrypted")
        name, nonce = _name(self._secret), secrets.token_bytes(_NONCE)
        data = await crypto.encrypt(self._keys[name], nonce, text.encode(), context.encode())
        return f"{name}.{urlsafe_b64encode(nonce + data).decode()}"

    async def open(self, sealed: str, context: str, crypto: Crypto) -> str:
        """Decrypt a text. Raises Misconfigured where the secret is not the one it had."""
        if (known := self._opened.get((sealed, context))) is not None:
            return known
        name, _, coded = sealed.partition(".")
        try:
            data = urlsafe_b64decode(coded)
            key = self._keys[name]
            plain = await crypto.decrypt(key, data[:_NONCE], data[_NONCE:], context.encode())
        except (KeyError, ValueError, CryptoError):
            raise Misconfigured(
                "A stored secret cannot be opened: ENCRYPTION_KEY is not the one that it was "
                "stored under. Set that one as ENCRYPTION_KEY_OLD"
            ) from None
        if len(self._opened) >= MEMORY:
            self._opened.clear()
        self._opened[sealed, context] = plain.decode()
        return plain.decode()

    def current(self, sealed: str) -> bool:
        """Return whether a text was sealed under the new secret."""
        return self._secret is not None and sealed.startswith(f"{_name(self._secret)}.")


def _key(secret: str) -> bytes:
    return hashlib.sha256(b"sluice.vault.key:" + secret.encode()).digest()


def _name(secret: str) -> str:
    # Tells secrets apart, and nothing of what they are.
    return hashlib.sha256(b"sluice.vault.name:" + secret.encode()).hexdigest()[:8]
