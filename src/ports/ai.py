"""Models that the platform runs for this Worker, without a key."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ports.bodies import Body

if TYPE_CHECKING:
    from ports import Incoming


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a model, and how its answer becomes that of the provider's API."""

    model: str
    inputs: str
    """A JSON object. Where the body of the request is none, it goes beside these."""
    options: str
    """A JSON object, in the binding's words."""
    answer: Callable[[int, str], str]
    """(status, text) of an answer in JSON to what the API answers."""
    refused: Callable[[str], tuple[int, str] | None]
    """What a failed run says to (status, text) of the API. None where it says nothing of itself."""
    event: Callable[[str], list[str]] | None = None
    """The data of a stream's event to the data of those that the API sends. None: unchanged."""
    path: str | None = None
    """Of OpenAI's API, below `v1`, where the caller speaks its format. None: the model's own."""


class Ai(Protocol):
    """Runs models. Cancelling a call ends the run."""

    charged: bool
    """Whether a run costs what the provider takes for it."""

    def host(self, model: str, /) -> str:
        """Return where a model runs, as an error calls it. Empty where it runs nowhere."""
        ...

    async def __call__(self, run: Run, body: Body | None, headers: Mapping[str, str]) -> "Incoming":
        """Wait for the headers of the answer. Raises Unreachable and ClientLeft.

        A body is given where it is no JSON; of the headers its type matters, and those that the
        platform is to see.
        """
        ...

    async def models(self, search: str) -> str:
        """Return the models that there are: JSON, of a search that is JSON. Raises Unreachable."""
        ...
