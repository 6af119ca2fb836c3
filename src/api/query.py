"""The query of a request to the management API, as a model."""

from typing import Annotated, Literal, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from api.body import problems
from api.paging import MOST_PAGES
from errors import Invalid

Q = TypeVar("Q", bound=BaseModel)
Direction = Literal["asc", "desc"]


def _whole(text: object) -> object:
    # Python reads more as a number than a URL should say: `1_0`, ` 1`.
    if isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) <= 7:
        return int(text)
    return text


def _flag(text: object) -> object:
    if isinstance(text, str) and text not in ("true", "false"):
        raise PydanticCustomError("flag", "Use true or false")
    return text == "true" if isinstance(text, str) else text


# What reads the text comes last, so that the document tells the limits.
_READ = BeforeValidator(_whole)
PageNumber = Annotated[int, Field(ge=1, le=MOST_PAGES), _READ]
PageSize = Annotated[int, Field(ge=1, le=50), _READ]
LargePageSize = Annotated[int, Field(ge=1, le=100), _READ]
Flag = Annotated[bool, BeforeValidator(_flag)]
Text = Annotated[str, Field(max_length=1024)]


class Paged(BaseModel):
    """Which page of a list is asked for."""

    model_config = ConfigDict(extra="ignore", strict=True)

    page: PageNumber = 1
    per_page: PageSize = 20

    @property
    def offset(self) -> int:
        """The rows before this page."""
        return (self.page - 1) * self.per_page

    def info(self, count: int, total: int) -> dict[str, int]:
        """Return what an answer says of the page: rows on it, and rows in all."""
        page = {"page": self.page, "per_page": self.per_page}
        return page | {"count": count, "total_count": total}


class Searched(Paged):
    """A page of what a text is a part of."""

    search: Text = ""


def queried(model: type[Q], query: str) -> Q:
    """Return a query as a model. Of a name that is given twice, the last counts. Raises Invalid."""
    given = dict(parse_qsl(query, keep_blank_values=True))
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise Invalid(problems(error, given, "query")) from None
