"""Errors of a call to a provider."""

from math import ceil

from errors.base import GatewayError


class BadHeader(GatewayError):
    """A request header breaks its rule."""

    status, code = 400, 7001

    def __init__(self, header: str, value: str, rule: str) -> None:
        super().__init__(f"Invalid header `{header}`: {value!r}. {rule}")


class UnknownGateway(GatewayError):
    """The path names a gateway that does not exist."""

    status, code = 400, 2001

    def __init__(self) -> None:
        # Clients compare code and message: the wording is the contract's.
        super().__init__("Please configure AI Gateway in the Cloudflare dashboard")


class UnknownProvider(GatewayError):
    """The path names a provider that Sluice does not know."""

    status, code = 400, 2008

    def __init__(self, slug: str, known: list[str]) -> None:
        super().__init__(f"Invalid provider {slug!r}. Known providers: {', '.join(known)}")


class Unauthorized(GatewayError):
    """The gateway wants a token and did not get the right one."""

    status, code = 401, 2009

    def __init__(self) -> None:
        super().__init__("Unauthorized")


class NotFound(GatewayError):
    """No route has this path."""

    status, code = 404, 7000

    def __init__(self, path: str) -> None:
        super().__init__(
            f"No route for {path!r}. A request to a provider is /v1/{{account}}/{{gateway}}/"
            "{provider}/{path of the provider}"
        )


class ClientLeft(GatewayError):
    """The caller closed the connection before the provider answered."""

    status, code = 499, 2005

    def __init__(self) -> None:
        super().__init__("The client closed the connection before the provider answered")


class Internal(GatewayError):
    """A fault of ours. Says nothing of its cause: the console has the trace."""

    status, code = 500, 7500

    def __init__(self) -> None:
        super().__init__("Internal error")


class Misconfigured(GatewayError):
    """The deployment has a setting that it must not have."""

    status, code = 500, 7501


class Unreachable(GatewayError):
    """The provider's host could not be reached, or closed the connection before it answered."""

    status, code = 502, 2005

    def __init__(self, host: str, waited: float) -> None:
        super().__init__(
            f"Failed to get response from provider: no whole answer from {host}, which closed or "
            f"refused the connection after {waited:.0f} ms"
        )


class UpstreamTimeout(GatewayError):
    """The provider sent no first byte within the time the caller allowed."""

    status, code = 504, 2005

    def __init__(self, host: str, limit: int) -> None:
        super().__init__(
            f"Failed to get response from provider: no first byte from {host} within {limit} ms"
        )


class BadPath(GatewayError):
    """The path does not tell the host that the provider's address is made of."""

    status, code = 400, 7001

    def __init__(self, path: str, rule: str) -> None:
        super().__init__(f"Invalid path {path!r}. {rule}")


class BadBody(GatewayError):
    """The body is not what the platform runs a model on."""

    status, code = 400, 7001

    def __init__(self, what: str, rule: str) -> None:
        super().__init__(f"Invalid body: {what}. {rule}")


class BadUniversal(GatewayError):
    """The body of a universal request breaks its rules."""

    status, code = 400, 7001

    def __init__(self, where: str, rule: str) -> None:
        super().__init__(f"Invalid universal request: {where}. {rule}")


class MissingKey(GatewayError):
    """Neither the request nor the gateway has a key for the provider."""

    status, code = 400, 7502

    def __init__(self, slug: str, header: str) -> None:
        super().__init__(
            f"No key for provider {slug!r}. Send the provider's key in the header `{header}`, or "
            "store one for this gateway through the management API (`provider_configs`)"
        )


class UnknownAlias(GatewayError):
    """The request chose a stored key that does not exist."""

    status, code = 400, 2040

    def __init__(self, slug: str, alias: str, aliases: list[str]) -> None:
        super().__init__(
            f"Provider {slug!r} has no BYOK credential named {alias!r}. "
            f"Configured aliases: {', '.join(aliases) or 'none'}"
        )


class BadKey(GatewayError):
    """A key cannot be used to authorise a request: it has the wrong form, or was refused."""

    status, code = 401, 2009

    def __init__(self, problem: str) -> None:
        super().__init__(f"The provider's key cannot be used: {problem}")


class NotAllowed(GatewayError):
    """A binding does not let its holder do this."""

    status, code = 403, 7506

    def __init__(self, what: str, rule: str) -> None:
        super().__init__(f"This binding does not allow {what}. {rule}")


class RateLimited(GatewayError):
    """A limit has let through as much as it may."""

    status, code = 429, 2003

    def __init__(self, wait: float) -> None:
        """`wait` are the seconds after which it may let through more."""
        super().__init__("Rate limited", **{"retry-after": str(max(1, ceil(wait)))})


class SpendLimited(GatewayError):
    """A budget does not pay for what a request may cost."""

    status, code = 429, 2041

    def __init__(self, rule: str, whom: str, wait: float | None, most: float) -> None:
        """`wait` are the seconds after which it may; None is never, for it may cost `most` USD."""
        told, headers = f"Spend limit exceeded: {rule} for {whom}", dict[str, str]()
        if wait is None:
            told += f". The request may cost {most:.6f}: bound the length of its answer"
        else:
            headers["retry-after"] = str(max(1, ceil(wait)))
        super().__init__(told, **headers)


class Unpriced(GatewayError):
    """What a request may cost is unknown, and a budget wants to know it."""

    status, code = 403, 2040

    def __init__(self) -> None:
        super().__init__("Model or provider could not be resolved for spend-limit enforcement")


class LimitUnavailable(GatewayError):
    """A limit cannot be asked, and the gateway lets nobody through unasked."""

    status, code = 503, 7504

    def __init__(self) -> None:
        message = "A limit of this gateway cannot be asked at the moment. Try again"
        super().__init__(message, **{"retry-after": "1"})


class NotBuilt(GatewayError):
    """A part of the contract that Sluice does not have yet."""

    status, code = 501, 7503

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not built yet")
