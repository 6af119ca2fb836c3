"""A Worker that asks a question and streams the answer, or tells what the log has of one."""

import json
from urllib.parse import parse_qs, urlsplit

from workers import Response, WorkerEntrypoint

MODEL = "@cf/meta/llama-3.1-8b-instruct"
PAGE = """<!doctype html><meta charset="utf-8"><title>Sluice as env.AI</title>
<form><input name="question" value="What is a sluice?" size="50"> <button>Ask</button></form>"""


class Default(WorkerEntrypoint):
    """The page, a streamed answer, and an answer with its row of the log."""

    async def fetch(self, request):
        """Answer a request."""
        asked = parse_qs(urlsplit(request.url).query)
        if "logged" in asked:
            return Response(json.dumps(await self.logged(asked["logged"][0]), default=str))
        if "question" not in asked:
            return Response(PAGE, headers={"content-type": "text/html"})
        messages = [{"role": "user", "content": asked["question"][0]}]
        inputs, options = {"messages": messages, "stream": True}, {"gateway": {"id": "default"}}
        stream = await self.env.AI.run(MODEL, inputs, options)
        return Response(stream, headers={"content-type": "text/event-stream"})

    async def logged(self, question):
        """Return an answer, and what the log tells of it."""
        inputs = {"prompt": question}
        answer = await self.env.AI.run(MODEL, inputs, {"returnRawResponse": True})
        gateway = await self.env.AI.gateway("default")
        row = await gateway.getLog(answer.headers["cf-aig-log-id"])
        return {"answer": await answer.json(), "model": row["model"], "metadata": row["metadata"]}
