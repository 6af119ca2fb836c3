"""Gives a request the key of its provider: the caller's own, else one that the gateway stores."""

import json
from collections.abc import Mapping, MutableMapping
from dataclasses import replace

from call import Call
from errors import MissingKey
from forwarding import forwarded_query
from keys.keyring import Keyring
from keys.vault import Vault
from ports import Outgoing, Ports
from providers import custom_of
from providers.base import Provider
from retry_after import retry_after
from signing.base import Means, Minted
from snapshot import StoredKey
from sockets import brings_key
from values import value

REFUSED = (401, 429)
"""What a provider answers to a key that is wrong, or used up for now."""


@value
class Credentials:
    """The stored keys of the gateways, as one request uses them."""

    keyring: Keyring
    vault: Vault
    minted: MutableMapping[str, Minted]
    ports: Ports

    async def authorize(
        self, call: Call, provider: Provider, outgoing: Outgoing
    ) -> tuple[Mapping[str, str], StoredKey | None]:
        """Return the headers that a request is sent with, and the stored key that it uses.

        Raises MissingKey, UnknownAlias, BadKey, and Misconfigured where a stored key cannot be
        opened.
        """
        headers, stored, secret = outgoing.headers, None, None
        if own := await self._own_headers(call):
            # What an operator stored for a provider wins over what a caller sends.
            outgoing = replace(outgoing, headers={**headers, **own})
            headers = outgoing.headers
        given = provider.key.given(headers, forwarded_query(call.target.query))
        if not given and not brings_key(headers, provider):
            slug = call.target.provider
            stored = self.keyring.choose(call.gateway, slug, call.options.byok_alias)
            if stored:
                context = key_context(call.gateway.internal_id, slug)
                secret = await self.vault.open(stored.sealed, context, self.ports.crypto)
            elif provider.needs_key:
                raise MissingKey(slug, provider.key.header)
        if provider.authorize:
            means = Means(self.ports.fetch, self.ports.crypto, self.ports.clock, self.minted)
            headers = await provider.authorize(secret, call.target.path, outgoing, means)
        elif secret is not None:
            headers = {**headers, provider.key.header: provider.key.form.format(secret)}
        return headers, stored

    async def _own_headers(self, call: Call) -> Mapping[str, str]:
        """Return the headers that an operator stored for a custom provider."""
        custom = custom_of(call.target.provider, call.gateway.customs)
        if custom is None or custom.headers is None:
            return {}
        context = custom_context(call.gateway.account, custom.slug)
        return json.loads(await self.vault.open(custom.headers, context, self.ports.crypto))

    def refused(self, call: Call, key: StoredKey, headers: Mapping[str, str]) -> bool:
        """Let a key rest that a provider refused, and return whether another one is awake."""
        self.keyring.rest(key, retry_after(headers, self.ports.clock()))
        return self.keyring.spare(call.gateway, key, call.options.byok_alias)


def key_context(internal_id: int, provider: str) -> str:
    """Return what a stored key is sealed for: one provider of one gateway."""
    return f"provider_key:{internal_id}:{provider}"


def custom_context(account: str, slug: str) -> str:
    """Return what the headers of a custom provider are sealed for."""
    return f"custom_provider:{account}:{slug}"
