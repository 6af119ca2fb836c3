"""Who holds a binding of the gateway, and what the configuration of that Worker lets it do.

The platform hands the `props` of a binding over, which the Worker that holds it cannot change.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Annotated, Any, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from call import Call
from errors import GatewayError, NotAllowed
from options import METADATA_ENTRIES, Metadata
from providers import names
from providers.base import Named
from settings import Name

DEFAULT_GATEWAY = "default"


class _Props(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    account: Name | None = None
    gateway: Name | None = None
    metadata: Annotated[Metadata, Field(max_length=METADATA_ENTRIES)] = {}
    models: list[str] | None = None


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a binding."""

    account: str
    gateway: str | None = None
    """The only one that may be used. None: all of the account."""
    metadata: Metadata = field(default_factory=Metadata)
    """What each request bears, whatever it says itself."""
    models: tuple[str, ...] | None = None
    """The names of models that may be used, `*` for any part without a slash. None: all."""

    @classmethod
    def of(cls, props: str | None, account: str) -> "Holder":
        """Read props, a JSON object. Raises NotAllowed where they break their rules."""
        try:
            known = _Props.model_validate_json(props or "{}")
        except ValidationError as error:
            where = ".".join(map(str, error.errors()[0]["loc"])) or "the object"
            rule = "Use `account`, `gateway`, `metadata` and `models` as the documentation tells"
            raise NotAllowed(f"anything: its props are wrong at {where!r}", rule) from None
        models = None if known.models is None else tuple(known.models)
        return cls(known.account or account, known.gateway, known.metadata, models)

    def gateway_of(self, asked: object) -> str:
        """Return the gateway that is used where `asked` is wished for. Raises NotAllowed."""
        wish = asked if isinstance(asked, str) and asked else None
        if self.gateway and wish not in (None, self.gateway):
            raise NotAllowed(f"gateway {wish!r}", f"Use {self.gateway!r}, or name none")
        return self.gateway or wish or DEFAULT_GATEWAY

    def admit_bytes(self, model: str, named: Named) -> None:
        """Let a model be run on bytes. Raises NotAllowed where they may name another one."""
        if self.models is not None and "model" in named.body:
            rule = "Send its inputs as an object: the vendor reads the name of the model in them"
            raise NotAllowed(f"bytes as the input of {model!r}", rule)

    def owns(self, row: Mapping[str, Any]) -> bool:
        """Return whether a row of the log bears what all of the holder's requests do."""
        found = cast("Metadata", row["metadata"] or {})
        return self.metadata.items() <= found.items()

    def marked(self, patch: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a row is changed to, of whose metadata the holder's stay."""
        metadata = patch.get("metadata", {})
        if "metadata" not in patch or not isinstance(metadata, dict | None):
            return dict(patch)
        kept = cast("dict[str, Any]", metadata or {}) | self.metadata
        return {**patch, "metadata": kept or None}

    def admit(self, call: Call, name: str | None = None) -> Call:
        """Return a call of the holder's, each of its steps within what it may do.

        `name` is what the caller calls the model.
        """
        steps = tuple(self._step(step, name) for step in call.fallbacks)
        return replace(self._step(call, name), fallbacks=steps)

    def _step(self, call: Call, name: str | None) -> Call:
        metadata = _first(self.metadata | _others(call.options.metadata or {}, self.metadata))
        options = replace(call.options, metadata=metadata or None)
        problem = call.problem or self._refusal(call, name)
        return replace(call, options=options, problem=problem, admitted=True)

    def _refusal(self, call: Call, name: str | None) -> GatewayError | None:
        if self.models is None:
            return None
        asked = [(call.ask.model or "", name or ""), *((other, "") for other in call.ask.others)]
        for model, called in asked:
            known = (
                names(call.target.provider, model, call.gateway.customs) if model else set[str]()
            )
            if not any(_matches(each, self.models) for each in filter(None, (called, *known))):
                rule = f"Use one of {', '.join(self.models)}"
                return NotAllowed(f"model {called or model!r}", rule)
        return None


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    # A star stands for a part of a name, never for a slash.
    return any(
        name.count("/") == pattern.count("/")
        and all(map(fnmatchcase, name.split("/"), pattern.split("/")))
        for pattern in patterns
    )


def _others(given: Mapping[str, str | float | bool], own: Metadata) -> Metadata:
    return {key: value for key, value in given.items() if key not in own}


def _first(metadata: Metadata) -> Metadata:
    return dict(list(metadata.items())[:METADATA_ENTRIES])
