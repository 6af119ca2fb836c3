"""Models of one's own in place of the platform's: which server runs which, and under what name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

ANY = "*"
"""What stands for every model that is not named."""


@dataclass(frozen=True, slots=True)
class OwnModel:
    """A model of a server that speaks OpenAI's format."""

    name: str
    """As the server knows it."""
    url: str
    """What the paths of the API are appended to. No slash at its end."""
    key: str | None = field(default=None, repr=False)

    @property
    def host(self) -> str:
        """The server, with its port."""
        return urlsplit(self.url).netloc


OwnModels = Mapping[str, OwnModel]
"""By the names that callers use, and ANY."""


def find(models: OwnModels, name: str) -> OwnModel | None:
    """Return what runs in place of a model. None: nothing does."""
    return models.get(name) or models.get(ANY)


def _address(url: str) -> str:
    # `port` raises what pydantic tells of.
    if not urlsplit(url).hostname or urlsplit(url).port == 0:
        raise ValueError("name a host")
    return url.rstrip("/")


_Url = Annotated[
    str, Field(pattern=r"^https?://[^\s/?#@\\]+(/[^\s?#\\]*)?$"), AfterValidator(_address)
]
_Key = Annotated[str, Field(pattern="^[!-~]+$")]
_Name = Annotated[str, Field(min_length=1)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    model: _Name
    url: _Url | None = None
    key: _Key | None = None

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, given: Any) -> Any:
        return {"model": given} if isinstance(given, str) else given


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    url: _Url | None = None
    key: _Key | None = None
    models: Annotated[dict[str, _Model], Field(min_length=1)]

    def served(self, each: _Model) -> OwnModel:
        if each.url:
            # The key of one server is none of another's business.
            return OwnModel(each.model, each.url, each.key)
        if self.url is None:
            raise ValueError(f"`url` is missing, and model {each.model!r} has none of its own")
        return OwnModel(each.model, self.url, each.key or self.key)


def own_models(text: str) -> OwnModels:
    """Read the JSON of a deployment. Raises ValueError, which says what is wrong and where.

    {"url", "key", "models": {name: the server's name or {"model", "url", "key"}}}
    """
    try:
        given = _Given.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ValueError(f"{where}: {first['msg']}" if where else first["msg"]) from None
    return {name: given.served(each) for name, each in given.models.items()}
