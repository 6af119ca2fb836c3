"""What the rules of a gateway may ask about a call."""

import json
from ipaddress import IPv6Address, ip_address, ip_network

from call import Call
from limits.rules import Facts

_SUBNET = 64
"""Bits of an IPv6 address that name a caller's network: the rest is the caller's to choose."""


def facts(call: Call) -> Facts:
    """Return what is known of a call."""
    provider = call.target.provider
    known: dict[str, tuple[str, ...]] = {"provider": (provider,)}
    # Of several that the provider may run, the first is what is counted by, and each is meant.
    if models := tuple(filter(None, (call.ask.model, *call.ask.others))):
        known["model"] = (*models, *(f"{provider}/{model}" for model in models))
    if call.trail.token_id:
        known["token"] = (call.trail.token_id,)
    if network := _network(call.request.address):
        known["address"] = (network,)
    for key, value in (call.options.metadata or {}).items():
        known[f"metadata.{key}"] = (value if isinstance(value, str) else json.dumps(value),)
    return known


def _network(address: str | None) -> str | None:
    try:
        found = ip_address(address or "")
    except ValueError:
        return None
    if not isinstance(found, IPv6Address):
        return str(found)
    return str(found.ipv4_mapped or ip_network((int(found), _SUBNET), strict=False))
