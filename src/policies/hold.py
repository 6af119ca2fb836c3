"""Hold a short answer until it is whole, and find out whether it is a failure."""

from call import Call, Handler, Policy, Reply
from ports import ReplyBody


def hold(wary: bool) -> Policy:
    """Return the policy that reads a short answer before it leaves.

    One that breaks off is then an error, not half an answer. Nothing has been sent by then, so that
    the call can still be tried again. Errors are held whatever length they announce.

    Where another attempt may follow the policy is wary: it looks for an error in answers of status
    200 as well, in the first event of a stream above all. Raises Unreachable and ClientLeft.
    """

    async def hold(call: Call, proceed: Handler) -> Reply:
        reply = await proceed(call)
        error = reply.status >= 400
        if reply.body is not None and not isinstance(reply.body, str):
            await reply.body.hold(error)
        if reply.failure and (wary or error):
            reply.failed = reply.failure(await _beginning(reply.body))
        return reply

    return hold


async def _beginning(body: ReplyBody | str | None) -> str:
    """Return the text of a body that is held, and the beginning of one that is not."""
    if body is None or isinstance(body, str):
        return body or ""
    if body.held:
        return (await body.watch()).text or ""
    return await body.first()
