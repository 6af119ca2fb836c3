"""Certificates of 127.0.0.1, and who signed them."""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Certified:
    """A server's files, in PEM."""

    certificate: Path
    key: Path
    authority: Path
    """The certificate of who signed the server's."""


def certified(folder: Path) -> Certified:
    """Make an authority, and have it sign a certificate of 127.0.0.1."""
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca, server = _named("an authority"), _named("a server")
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    root = _unsigned(ca, ca, ca_key).add_extension(x509.BasicConstraints(True, None), True)
    leaf = _unsigned(server, ca, key).add_extension(x509.SubjectAlternativeName([address]), False)
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    made = Certified(folder / "cert.pem", folder / "key.pem", folder / "ca.pem")
    for file, unsigned in ((made.authority, root), (made.certificate, leaf)):
        signed = unsigned.sign(ca_key, hashes.SHA256())
        file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    made.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    return made


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _unsigned(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
    )
