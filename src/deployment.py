"""What whoever deploys Sluice sets, as variables and secrets of the Worker."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import TypeAdapter, ValidationError

from errors import Misconfigured

VARIABLES = ("ADMIN_TOKEN", "ENCRYPTION_KEY", "ENCRYPTION_KEY_OLD", "UPSTREAMS")
"""The variables and secrets of the Worker that are read."""
SHORTEST_SECRET = 32
"""Characters that a secret for encryption must have."""
_UPSTREAMS = TypeAdapter(dict[str, str])


@dataclass(frozen=True, slots=True)
class Deployment:
    """The settings of a deployment."""

    admin_token: str | None = None
    """The token of the management API. Without one that API does not exist."""
    upstreams: Mapping[str, str] = field(default_factory=dict[str, str])
    """Base URLs that replace those of providers, by slug. Local runs only."""
    encryption_key: str | None = None
    """What stored secrets are encrypted under."""
    encryption_key_old: str | None = None
    """What they were encrypted under before."""

    @classmethod
    def of(cls, variables: Mapping[str, str | None], local: bool) -> "Deployment":
        """Read what VARIABLES names. Raises Misconfigured."""
        upstreams = variables.get("UPSTREAMS")
        if upstreams and not local:
            # Whoever can set it could have every provider's keys sent to a host of his own.
            raise Misconfigured("UPSTREAMS is for local runs. Remove it from the deployed Worker")
        try:
            parsed = _UPSTREAMS.validate_json(upstreams) if upstreams else {}
        except ValidationError:
            raise Misconfigured(
                'UPSTREAMS is not a JSON object of provider slugs and base URLs, like {"openai":'
                '"http://127.0.0.1:9100/v1"}'
            ) from None
        trimmed = {slug: url.rstrip("/") for slug, url in parsed.items()}
        return cls(
            variables.get("ADMIN_TOKEN") or None,
            trimmed,
            _secret(variables, "ENCRYPTION_KEY"),
            _secret(variables, "ENCRYPTION_KEY_OLD"),
        )


def _secret(variables: Mapping[str, str | None], name: str) -> str | None:
    secret = variables.get(name) or None
    if secret is not None and len(secret) < SHORTEST_SECRET:
        raise Misconfigured(
            f"{name} has fewer than {SHORTEST_SECRET} characters. Make one with "
            "`openssl rand -base64 32`"
        )
    return secret
