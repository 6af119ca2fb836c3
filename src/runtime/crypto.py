"""The Crypto port on WebCrypto."""

from typing import Any

from js import crypto
from pyodide.ffi import JsException, to_js

from ports import CryptoError
from runtime.convert import object_out

_RS256 = {"name": "RSASSA-PKCS1-v1_5", "hash": "SHA-256"}


class WebCrypto:
    """`crypto.subtle`."""

    async def encrypt(self, key: bytes, nonce: bytes, data: bytes, context: bytes) -> bytes:
        """Encrypt with AES-256-GCM."""
        imported = await _import("raw", key, {"name": "AES-GCM"}, "encrypt")
        sealed = await crypto.subtle.encrypt(_gcm(nonce, context), imported, to_js(data))
        return sealed.to_bytes()

    async def decrypt(self, key: bytes, nonce: bytes, data: bytes, context: bytes) -> bytes:
        """Decrypt with AES-256-GCM. Raises CryptoError."""
        imported = await _import("raw", key, {"name": "AES-GCM"}, "decrypt")
        try:
            opened = await crypto.subtle.decrypt(_gcm(nonce, context), imported, to_js(data))
        except JsException:
            raise CryptoError("cannot be opened") from None
        return opened.to_bytes()

    async def sign(self, private_key: bytes, data: bytes) -> bytes:
        """Sign with RS256. Raises CryptoError."""
        try:
            imported = await _import("pkcs8", private_key, _RS256, "sign")
        except JsException:
            raise CryptoError("not a private key") from None
        signature = await crypto.subtle.sign(_RS256["name"], imported, to_js(data))
        return signature.to_bytes()


async def _import(form: str, key: bytes, algorithm: dict[str, str], use: str) -> Any:
    return await crypto.subtle.importKey(
        form, to_js(key), object_out(algorithm), False, to_js([use])
    )


def _gcm(nonce: bytes, context: bytes) -> Any:
    algorithm = object_out({"name": "AES-GCM"})
    algorithm.iv = to_js(nonce)
    algorithm.additionalData = to_js(context)
    return algorithm
