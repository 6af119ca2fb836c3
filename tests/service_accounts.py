"""A service account of Google, and what its requests are authorised with."""

import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from fakes import FakeClock, FakeFetch, RealCrypto, an_answer
from ports import Incoming, Outgoing
from signing.base import Means, Minted
from signing.service_account import authorize

TOKEN_URL = "https://oauth2.googleapis.com/token"
KEY = generate_private_key(65537, 2048)


def pem(private_format: PrivateFormat = PrivateFormat.PKCS8) -> str:
    return KEY.private_bytes(Encoding.PEM, private_format, NoEncryption()).decode()


FIELDS: dict[str, Any] = {
    "type": "service_account",
    "project_id": "p",
    "private_key_id": "key-1",
    "private_key": pem(),
    "client_email": "robot@p.iam.gserviceaccount.com",
    "client_id": "1",
    "auth_uri": "https://accounts.google.com/o/oauth2/auth",
    "token_uri": TOKEN_URL,
    "universe_domain": "googleapis.com",
}
ACCOUNT = json.dumps(FIELDS)
SECRET = "".join(pem().split("\n")[1:-2])


class Bench:
    """What a request is authorised with, and what came of it."""

    def __init__(self, *script: Incoming | Exception) -> None:
        self.clock = FakeClock()
        self.fetch = FakeFetch(*script)
        self.minted: dict[str, Minted] = {}
        self.means = Means(self.fetch, RealCrypto(), self.clock, self.minted)

    async def headers(
        self, key: str | None, headers: Mapping[str, str] | None = None
    ) -> Mapping[str, str]:
        """Return what a request is sent with."""
        url = "https://aiplatform.googleapis.com/v1/publishers/google/models/m:generateContent"
        sent = {"accept": "x"} | dict(headers or {})
        outgoing = Outgoing("POST", url, "aiplatform.googleapis.com", sent, None)
        return await authorize(
            key, "v1/publishers/google/models/m:generateContent", outgoing, self.means
        )


def token(name: str = "ya29.minted", **fields: object) -> Incoming:
    answer = {"access_token": name, "expires_in": 3599, "token_type": "Bearer"} | fields
    return an_answer(json.dumps(answer))


def account(**fields: object) -> str:
    return json.dumps(FIELDS | fields)
