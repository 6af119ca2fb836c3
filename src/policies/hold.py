"""Hold a short answer until it is whole."""

from call import Call, Handler, Reply


async def hold(call: Call, proceed: Handler) -> Reply:
    """Read a short answer before it leaves: one that breaks off is an error, not half an answer.

    Nothing has been sent by then, so that the call can still be tried again. Errors are held
    whatever they announce, for whoever wants to know what they say. Raises Unreachable and
    ClientLeft.
    """
    reply = await proceed(call)
    if reply.body is not None and not isinstance(reply.body, str):
        await reply.body.hold(error=reply.status >= 400)
    return reply
