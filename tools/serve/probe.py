"""Ask the gateway of this machine how it is, for the HEALTHCHECK of a container."""

import http.client
import os
import ssl
import sys

PATIENCE_S = 4


def main() -> int:
    """Return 0 where `/healthz` answers that all is well, and 1 otherwise."""
    host, port = "127.0.0.1", int(os.environ.get("PORT") or 8787)
    if os.environ.get("TLS_CERT"):
        # The certificate is for another name than this address.
        anyone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        anyone.check_hostname = False
        anyone.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection(host, port, timeout=PATIENCE_S, context=anyone)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=PATIENCE_S)
    try:
        connection.request("GET", "/healthz")
        return int(connection.getresponse().status != 200)
    except (OSError, http.client.HTTPException) as error:
        print(f"no answer: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
