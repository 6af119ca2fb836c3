"""What whoever deploys Sluice sets, as variables and secrets of the Worker."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import TypeAdapter, ValidationError

from errors import Misconfigured
from own_models import OwnModel, OwnModels, own_models

VARIABLES = (
    "ACCOUNT",
    "ADMIN_TOKEN",
    "CLUSTER",
    "ENCRYPTION_KEY",
    "ENCRYPTION_KEY_OLD",
    "ORIGIN",
    "UPSTREAMS",
    "WORKERS_AI",
)
"""The variables and secrets of the Worker that are read."""
ACCOUNT = "main"
"""Whose gateways a binding is for, where nobody says."""
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
    account: str = ACCOUNT
    """Whose gateways a binding of another Worker is for."""
    origin: str | None = None
    """Where the gateway is on the internet: scheme and host."""
    own_models: OwnModels = field(default_factory=dict[str, OwnModel])
    """Models of one's own that run in place of the platform's. Local runs only."""
    cluster: bool = False
    """Whether several instances share the Durable Objects, which are kept in a bucket."""

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
            variables.get("ACCOUNT") or ACCOUNT,
            (variables.get("ORIGIN") or "").rstrip("/") or None,
            _own_models(variables.get("WORKERS_AI"), local),
            bool(variables.get("CLUSTER")),
        )


def _own_models(text: str | None, local: bool) -> OwnModels:
    if not text:
        return {}
    if not local:
        raise Misconfigured("WORKERS_AI is for local runs. Remove it from the deployed Worker")
    try:
        return own_models(text)
    except ValueError as problem:
        raise Misconfigured(
            f"WORKERS_AI cannot be used: {problem}. It is JSON like "
            '{"url":"http://127.0.0.1:11434/v1","models":{"@cf/meta/llama-3.1-8b-instruct":'
            '"llama3.1:8b"}}'
        ) from None


def _secret(variables: Mapping[str, str | None], name: str) -> str | None:
    secret = variables.get(name) or None
    if secret is not None and len(secret) < SHORTEST_SECRET:
        raise Misconfigured(
            f"{name} has fewer than {SHORTEST_SECRET} characters. Make one with "
            "`openssl rand -base64 32`"
        )
    return secret
