"""OpenAI's wire format where the path names what was deployed: the body need not name a model."""

import re
from dataclasses import replace
from urllib.parse import unquote

from call import Ask
from dialects.base import Dialect
from dialects.openai import OPENAI


def deployed(pattern: str) -> Dialect:
    """Return OPENAI for paths of another form.

    The pattern matches a whole path. Its group `task` is the path that OpenAI has for the task,
    its group `model` the model, or None where the body names it.
    """
    paths = re.compile(pattern)

    def ask(path: str, body: str | None, query: str = "") -> Ask:
        parts = paths.fullmatch(path)
        if not parts:
            return OPENAI.ask(path, body, query)
        asked = OPENAI.ask(parts["task"] or "", body, query)
        # A body that names a model names what was deployed, too.
        model = unquote(parts["model"]) if parts["model"] else asked.model
        return replace(asked, model=model, deployed=True)

    return replace(OPENAI, ask=ask)
