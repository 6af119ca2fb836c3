"""What every error is."""

import json


class GatewayError(Exception):
    """An answer that is an error of the gateway's own, not of a provider."""

    status = 500
    code = 7500
    unchanged = True
    """Whether nothing at all of what was asked for has been done."""

    def __init__(self, message: str, **headers: str) -> None:
        super().__init__(message)
        self.message = message
        self.headers = {"content-type": "application/json"} | headers
        """Of the answer. Names in lower case."""

    def envelope(self) -> str:
        """Return the JSON that gateway clients and the Workers binding both understand."""
        return json.dumps(
            {
                "success": False,
                "result": [],
                "messages": [],
                "error": [{"code": self.code, "message": self.message}],
                "name": "AiGatewayError",
                "httpCode": self.status,
                "internalCode": self.code,
                "message": self.message,
                "description": self.message,
            }
        )

    def v4_envelope(self) -> str:
        """Return the JSON that clients of the management API understand."""
        body = {"success": False, "result": None, "messages": [], "errors": self.errors()}
        return json.dumps(body)

    def errors(self) -> list[dict[str, object]]:
        """Return what is wrong, one entry for each thing."""
        return [{"code": self.code, "message": self.message}]
