"""The URL grammar: from a path to where it leads."""

import re

from call import Target
from values import value

_ID = "[A-Za-z0-9][A-Za-z0-9_-]{0,63}"
_PROVIDER = re.compile(f"/v1/({_ID})/({_ID})/([a-z0-9-]+)(?:/(.*))?")
_UNIVERSAL = re.compile(f"/v1/({_ID})/({_ID})/?")
# What parsers of URLs take away or turn over, and each when it likes: `.`, `..`, backslashes.
_MOVING = re.compile(r"(?:^|/)(?:\.|%2e){1,2}(?=/|$)|\\", re.IGNORECASE)
FIXED = "Use a path without `.`, `..` and backslashes"
_MANAGEMENT = re.compile(f"/client/v4/accounts/({_ID})/ai-gateway/(.+)")


@value
class ProviderRoute:
    """A request to a provider: `/v1/{account}/{gateway}/{provider}/{path of the provider}`."""

    account: str
    gateway: str
    target: Target


@value
class UniversalRoute:
    """A request to a list of providers: `/v1/{account}/{gateway}`."""

    account: str
    gateway: str


@value
class ManagementRoute:
    """The management API: `/client/v4/accounts/{account}/ai-gateway/{path}`."""

    account: str
    path: str
    query: str


@value
class HealthRoute:
    """What load balancers and people ask first: `/healthz`."""


@value
class MetricsRoute:
    """What Prometheus reads: `/metrics`."""


@value
class NoRoute:
    """Anything else."""

    path: str


Route = ProviderRoute | UniversalRoute | ManagementRoute | HealthRoute | MetricsRoute | NoRoute


def route(url: str) -> Route:
    """Return where an absolute URL leads. Its path and query stay as the caller wrote them."""
    path, _, query = url.partition("?")
    path = "/" + path.split("/", 3)[3]
    if match := _PROVIDER.fullmatch(path):
        account, gateway, slug, rest = match.groups()
        return ProviderRoute(account, gateway, Target(slug, rest or "", query))
    if match := _UNIVERSAL.fullmatch(path):
        return UniversalRoute(match[1], match[2])
    if match := _MANAGEMENT.fullmatch(path):
        return ManagementRoute(match[1], match[2], query)
    if path == "/metrics":
        return MetricsRoute()
    return HealthRoute() if path == "/healthz" else NoRoute(path)


def is_fixed(path: str) -> bool:
    """Return whether every parser reads a path alike: what is refused or counted is what is sent.

    https://url.spec.whatwg.org/#path-state
    """
    return not _MOVING.search(path)
