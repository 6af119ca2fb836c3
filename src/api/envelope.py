"""The envelope of Cloudflare's API v4."""

import json

from call import Reply


def success(result: object, result_info: object = None) -> Reply:
    """Return a reply that holds a result."""
    body: dict[str, object] = {"success": True, "errors": [], "messages": [], "result": result}
    if result_info is not None:
        body["result_info"] = result_info
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    return Reply(200, headers, json.dumps(body))
