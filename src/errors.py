"""Every error a caller can see.

    GatewayError
    ├── BadHeader           400 7001  a cf-aig-* header breaks its rule
    ├── BadParameter        400 7001  a query parameter of the management API breaks its rule
    ├── Invalid             400 7001  a body of the management API breaks its rules
    ├── UnknownGateway      400 2001
    ├── UnknownProvider     400 2008
    ├── Unauthorized        401 2009
    ├── NotFound            404 7000  no such route
    ├── GatewayNotFound     404 7002  in the management API
    ├── LogNotFound         404 7002
    ├── MethodNotAllowed    405 7001
    ├── GatewayExists       409 1003
    ├── ClientLeft          499 2005  nobody reads this one but the log
    ├── Internal            500 7500  a fault of ours; the console has the trace
    ├── Misconfigured       500 7501  a fault of whoever deployed this gateway
    ├── Unreachable         502 2005
    └── UpstreamTimeout     504 2005

Codes are those of Cloudflare AI Gateway where it has one. 7500 and 7501 are ours.
"""

import json


class GatewayError(Exception):
    """An answer that is an error of the gateway's own, not of a provider."""

    status = 500
    code = 7500

    def __init__(self, message: str, **headers: str) -> None:
        super().__init__(message)
        self.message = message
        self.headers = {"content-type": "application/json"} | headers
        """Of the answer. Names in lower case."""

    def envelope(self) -> str:
        """Return the JSON that gateway clients and the Workers binding both understand."""
        return json.dumps(
            {
                "success": False,
                "result": [],
                "messages": [],
                "error": [{"code": self.code, "message": self.message}],
                "name": "AiGatewayError",
                "httpCode": self.status,
                "internalCode": self.code,
                "message": self.message,
                "description": self.message,
            }
        )

    def v4_envelope(self) -> str:
        """Return the JSON that clients of the management API understand."""
        body = {"success": False, "result": None, "messages": [], "errors": self.errors()}
        return json.dumps(body)

    def errors(self) -> list[dict[str, object]]:
        """Return what is wrong, one entry for each thing."""
        return [{"code": self.code, "message": self.message}]


class BadHeader(GatewayError):
    """A request header breaks its rule."""

    status, code = 400, 7001

    def __init__(self, header: str, value: str, rule: str) -> None:
        super().__init__(f"Invalid header `{header}`: {value!r}. {rule}")


class BadParameter(GatewayError):
    """A query parameter of the management API breaks its rule."""

    status, code = 400, 7001

    def __init__(self, parameter: str, value: str, rule: str) -> None:
        super().__init__(f"Invalid query parameter `{parameter}`: {value!r}. {rule}")


class Invalid(GatewayError):
    """A body of the management API breaks its rules."""

    status, code = 400, 7001

    def __init__(self, problems: list[tuple[str, list[str]]]) -> None:
        """Each problem is what is wrong, and the path to where it is."""
        super().__init__("; ".join(f"{'.'.join(path)}: {what}" for what, path in problems))
        self.problems = problems

    def errors(self) -> list[dict[str, object]]:
        """Return each problem with its path."""
        return [{"code": self.code, "message": what, "path": path} for what, path in self.problems]


class GatewayExists(GatewayError):
    """A gateway of this name exists already."""

    status, code = 409, 1003

    def __init__(self, gateway: str) -> None:
        super().__init__(f"Gateway {gateway!r} exists already")


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


class GatewayNotFound(GatewayError):
    """The management API was asked for a gateway that does not exist."""

    status, code = 404, 7002

    def __init__(self, gateway: str) -> None:
        super().__init__(f"Gateway {gateway!r} not found")


class LogNotFound(GatewayError):
    """The gateway has no log row with this id."""

    status, code = 404, 7002

    def __init__(self, log_id: str) -> None:
        super().__init__(f"Log {log_id!r} not found")


class MethodNotAllowed(GatewayError):
    """The route exists, but not for this method."""

    status, code = 405, 7001

    def __init__(self, method: str, allowed: str) -> None:
        super().__init__(f"Method {method!r} is not allowed here. Use {allowed}", allow=allowed)


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
