"""Bearer tokens (RFC 6750) in headers."""

import hmac


def bearer_matches(header: str | None, token: str) -> bool:
    """Return whether a header holds `Bearer <token>`, in time that does not tell how nearly."""
    scheme, _, given = (header or "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(given.encode(), token.encode())
