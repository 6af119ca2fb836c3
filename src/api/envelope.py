"""The envelope of Cloudflare's API v4."""

import json
from datetime import UTC, datetime

from call import Reply


def success(result: object, result_info: object = None) -> Reply:
    """Return a reply that holds a result."""
    body: dict[str, object] = {"success": True, "errors": [], "messages": [], "result": result}
    if result_info is not None:
        body["result_info"] = result_info
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    return Reply(200, headers, json.dumps(body))


def iso(milliseconds: int) -> str:
    """Return a time since the epoch as ISO 8601."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
