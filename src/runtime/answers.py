"""What a counter answered of late to asks that changed it, so that one sent again counts once."""

import json
from typing import Any

REMEMBER_MS = 60_000
"""For so long an answer is remembered: longer than anybody asks for it again."""
ANSWERS = 100
"""The most answers that are remembered. Whoever takes again what an older one gave takes twice."""
PAGE, PAGES = 50, 40
"""The same where objects move, and many may ask again at once: so many on a page, and pages."""

Page = dict[str, tuple[int, str]]
"""By the id of an ask, the oldest first: when it was answered, and what."""


class Answers:
    """Answers that are written in the counter's own state."""

    def __init__(self, state: dict[str, Any]) -> None:
        """Go on with what `dump` wrote into a state."""
        self._answers: Page = state.get("answers", {})
        self.forgotten: int = state.get("forgotten", 0)
        """When the last of those was given that are not remembered: all after it are."""

    def get(self, ask: str) -> str | None:
        """Return what was answered to an ask. None where nobody knows."""
        _, answer = self._answers.get(ask, (0, None))
        return answer

    def put(self, ask: str, answer: str, now: int) -> None:
        """Remember an answer."""
        answers = self._answers
        answers[ask] = (now, answer)
        while True:
            oldest = next(iter(answers))
            if len(answers) <= ANSWERS and now - answers[oldest][0] <= REMEMBER_MS:
                break
            self.forgotten = max(self.forgotten, answers.pop(oldest)[0])

    def cleared(self) -> None:
        """Go on without what was written. The next change writes all of it."""

    def dump(self) -> dict[str, Any]:
        """Return what is written in the state."""
        return {"answers": self._answers, "forgotten": self.forgotten}


class Pages:
    """The same on pages beside the state: however many there are, a change writes one of them."""

    def __init__(self, state: dict[str, Any], kv: Any) -> None:
        """Go on with what `dump` wrote into a state, and into the object's storage."""
        self._kv = kv
        self._filling: int = state.get("page", 0)
        self.forgotten: int = state.get("forgotten", 0)
        self._pages: list[Page] = []
        while written := kv.get(_page(len(self._pages))):
            self._pages.append(json.loads(written))

    def get(self, ask: str) -> str | None:
        """Return what was answered to an ask. None where nobody knows."""
        return next((page[ask][1] for page in self._pages if ask in page), None)

    def put(self, ask: str, answer: str, now: int) -> None:
        """Remember an answer."""
        if not self._pages or len(self._pages[self._filling]) >= PAGE:
            self._filling = self._turn(now)
        self._pages[self._filling][ask] = (now, answer)

    def cleared(self) -> None:
        """Go on without what was written."""
        # The next change writes one page, and without those before it that would not be found.
        self._pages, self._filling = [], 0

    def dump(self) -> dict[str, Any]:
        """Write the page that is being filled, and return what is written in the state."""
        if self._pages:
            self._kv.put(_page(self._filling), json.dumps(self._pages[self._filling]))
        return {"page": self._filling, "forgotten": self.forgotten}

    def _turn(self, now: int) -> int:
        """Return the number of an empty page: the oldest one's, unless all are still of use."""
        after = self._filling + 1
        # Of pages of the same moment the one after this is the oldest.
        turns = (*range(after, len(self._pages)), *range(min(after, len(self._pages))))
        oldest = min(turns, key=self._newest, default=None)
        if oldest is None or (
            len(self._pages) < PAGES and now - self._newest(oldest) <= REMEMBER_MS
        ):
            self._pages.append({})
            return len(self._pages) - 1
        self.forgotten = max(self.forgotten, self._newest(oldest))
        self._pages[oldest] = {}
        return oldest

    def _newest(self, number: int) -> int:
        return next(reversed(self._pages[number].values()))[0]


def _page(number: int) -> str:
    return f"answers-{number}"
