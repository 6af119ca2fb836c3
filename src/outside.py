"""What an operator may let Sluice send, and where to: https, and hosts of the public internet.

Names that lead to a private address are refused where they are written as one. A name that resolves
to one is refused by the runtime: Workers have no way into a private network, and a Worker that runs
on a machine of one's own is started without it.
"""

import ipaddress
import json
import re
from collections.abc import Mapping
from typing import cast
from urllib.parse import urlsplit

from pydantic_core import from_json

from errors import BadBaseUrl, Invalid

HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""What the name of a header may be (RFC 9110, section 5.6.2)."""
_HEADER_VALUE = re.compile(r"[\t -~]*")
_PLAIN = re.compile(r"https://[a-z0-9.-]+(?::443)?(?:/[!-\[\]-~]*)?", re.IGNORECASE | re.ASCII)
# Ends of names that never lead to the public internet (RFC 6761, RFC 6762, RFC 8375, RFC 9476).
_PRIVATE_NAMES = (
    "localhost",
    "local",
    "internal",
    "intranet",
    "lan",
    "home",
    "corp",
    "private",
    "home.arpa",
    "alt",
    "test",
    "invalid",
    "onion",
)
# Global by their number, and yet a platform's own: Azure's wire server, the metadata of Oracle's
# cloud, relays of 6to4 (https://www.iana.org/assignments/iana-ipv4-special-registry).
_HOSTS_OWN = [
    ipaddress.IPv4Network(network)
    for network in ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24")
]
# What belongs to a connection, or is not an operator's to say.
_FORBIDDEN = re.compile(
    r"(?:host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|content-length|cookie"
    r"|accept-encoding|expect|via|proxy-.*|cf-.*|x-forwarded-.*|forwarded|sec-.*)",
    re.IGNORECASE,
)


def checked_base_url(url: str) -> str:
    """Return an address without its last slash. Raises BadBaseUrl."""
    if problem := address_problem(url):
        raise BadBaseUrl(url, problem)
    return url.rstrip("/")


def address_problem(url: str) -> str | None:
    """Return what keeps requests from being sent to an address, or None."""
    rule = "Use an https URL of a public host, without a user, a port, a query or a fragment"
    if not _PLAIN.fullmatch(url) or "?" in url or "#" in url:
        return rule
    host = (urlsplit(url).hostname or "").rstrip(".")
    return None if is_public(host) else f"{rule}: {host!r} is none"


def is_public(host: str) -> bool:
    """Return whether a host, as it is written, may be on the public internet.

    An address of IPv4 has several spellings (`2130706433`, `0x7f.1`, `0177.0.0.1`): whatever ends
    in a number is one (https://url.spec.whatwg.org/#ends-in-a-number-checker), and only the plain
    spelling of a public one is let through.
    """
    labels = host.lower().split(".")
    if len(labels) < 2 or "" in labels:
        return False
    last = labels[-1]
    if last.isdecimal() or re.fullmatch("0x[0-9a-f]*", last):
        try:
            address = ipaddress.IPv4Address(host)
        except ValueError:
            return False
        own = address.is_multicast or any(address in network for network in _HOSTS_OWN)
        return address.is_global and not own
    return not any(
        host.lower() == name or host.lower().endswith(f".{name}") for name in _PRIVATE_NAMES
    )


def checked_headers(text: str | None) -> str | None:
    """Return headers, a JSON object of strings, with names in lower case. Raises Invalid."""
    if not text:
        return None
    where = ["body", "headers"]
    try:
        parsed: object = from_json(text)
    except ValueError:
        raise Invalid([("Use a string that holds a JSON object", where)]) from None
    if not isinstance(parsed, dict):
        raise Invalid([("Use a string that holds a JSON object", where)])
    headers = cast("Mapping[str, object]", parsed)
    problems = [
        (rule, [*where, name])
        for name, value in headers.items()
        if (rule := header_problem(name, value))
    ]
    if problems:
        raise Invalid(problems)
    return json.dumps({name.lower(): value for name, value in headers.items()})


def header_problem(name: str, value: object) -> str | None:
    """Return what keeps a header from being sent, or None."""
    if not HEADER_NAME.fullmatch(name):
        return "This is no name of a header"
    if _FORBIDDEN.fullmatch(name):
        return "This header is not yours to set"
    if not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value):
        return "Use a string of printable ASCII characters"
    return None
