"""Errors of the management API."""

from collections.abc import Sequence

from errors.base import GatewayError


class BadParameter(GatewayError):
    """A query parameter of the management API breaks its rule."""

    status, code = 400, 7001

    def __init__(self, parameter: str, value: str, rule: str) -> None:
        super().__init__(f"Invalid query parameter `{parameter}`: {value!r}. {rule}")
        self.parameter = parameter

    def errors(self) -> list[dict[str, object]]:
        """Return the problem with its path."""
        path = ["query", self.parameter]
        return [{"code": self.code, "message": self.message, "path": path}]


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


class BodyNotFound(GatewayError):
    """The log keeps no such body of the row."""

    status, code = 404, 7002

    def __init__(self, side: str, log_id: str) -> None:
        super().__init__(f"The log keeps no {side} body of {log_id!r}")


class MethodNotAllowed(GatewayError):
    """The route exists, but not for this method."""

    status, code = 405, 7001

    def __init__(self, method: str, allowed: str) -> None:
        super().__init__(f"Method {method!r} is not allowed here. Use {allowed}", allow=allowed)


class Unauthenticated(GatewayError):
    """The management API wants a token and did not get a good one."""

    # Unlike a gateway's refusal: the code and the wording are those of Cloudflare's API.
    status, code = 401, 10000

    def __init__(self) -> None:
        super().__init__("Authentication error")


class Forbidden(GatewayError):
    """The token is good, but not for this."""

    status, code = 403, 10000

    def __init__(self, scope: str) -> None:
        super().__init__(f"This token lacks the scope `{scope}` for this resource")


class TokenNotFound(GatewayError):
    """The account has no token with this id."""

    status, code = 404, 7002

    def __init__(self, token_id: str) -> None:
        super().__init__(f"Token {token_id!r} not found")


class KeyNotFound(GatewayError):
    """The gateway has no stored key with this id."""

    status, code = 404, 7002

    def __init__(self, key_id: str) -> None:
        super().__init__(f"Provider config {key_id!r} not found")


class NotResealed(GatewayError):
    """Some of a gateway's keys open with neither secret. The others were encrypted anew."""

    status, code = 500, 7501
    unchanged = False

    def __init__(self, keys: Sequence[str]) -> None:
        super().__init__(
            f"Neither ENCRYPTION_KEY nor ENCRYPTION_KEY_OLD opens {', '.join(keys)}. All other "
            "keys are encrypted anew"
        )


class DatasetNotFound(GatewayError):
    """The gateway has no dataset with this id."""

    status, code = 404, 7002

    def __init__(self, dataset_id: str) -> None:
        super().__init__(f"Dataset {dataset_id!r} not found")


class EvaluationNotFound(GatewayError):
    """The gateway has no evaluation with this id."""

    status, code = 404, 7002

    def __init__(self, evaluation_id: str) -> None:
        super().__init__(f"Evaluation {evaluation_id!r} not found")


class ProviderNotFound(GatewayError):
    """The management API was asked for a provider that does not exist."""

    status, code = 404, 7002

    def __init__(self, slug: str) -> None:
        super().__init__(f"Provider {slug!r} not found")


class PurgeFailed(GatewayError):
    """The cache did not do as it was told."""

    status, code = 503, 7505
    unchanged = False

    def __init__(self) -> None:
        super().__init__("The cache could not be reached: what was kept may still be. Try again")


class TailFailed(GatewayError):
    """Nobody can listen to the log of this gateway now."""

    status, code = 503, 7507

    def __init__(self) -> None:
        super().__init__("The log cannot be watched now, or too many watch it. Try again")


class BadBaseUrl(GatewayError):
    """The address of a custom provider is not one that Sluice sends requests to."""

    status, code = 400, 1002

    def __init__(self, url: str, rule: str) -> None:
        super().__init__(f"Invalid base_url {url!r}. {rule}")


class CustomProviderExists(GatewayError):
    """A custom provider of this slug exists already."""

    status, code = 409, 1003

    def __init__(self, slug: str) -> None:
        super().__init__(f"Custom provider {slug!r} exists already")


class ChangedMeanwhile(GatewayError):
    """Others changed the same thing, again and again."""

    status, code = 409, 7508

    def __init__(self) -> None:
        super().__init__("Others are changing this at the moment. Look at it, and try again")


class CustomProviderNotFound(GatewayError):
    """The account has no such custom provider."""

    status, code = 404, 1004

    def __init__(self, name: str) -> None:
        super().__init__(f"Custom provider {name!r} not found")
