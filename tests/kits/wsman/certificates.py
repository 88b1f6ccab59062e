"""A certificate authority for one test run, a server's certificate and a client's, all valid for an hour."""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.x509 import Certificate


@dataclass(frozen=True)
class Files:
    """Where they lie: PEM, but for `server_der`."""

    authority: Path
    server: Path
    server_key: Path
    server_der: Path
    client: Path
    client_key: Path


def make(folder: Path) -> Files:
    """Write all of them into `folder`. The server's name is localhost and 127.0.0.1."""
    root_key, leaf_key, client_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    root_name = _name("roosync-ops tests")
    root = _signed(root_name, root_key.public_key(), root_name, root_key, authority=True)
    server = _signed(
        _name("localhost"), leaf_key.public_key(), root_name, root_key, usage=ExtendedKeyUsageOID.SERVER_AUTH
    )
    client = _signed(
        _name("fleet"), client_key.public_key(), root_name, root_key, usage=ExtendedKeyUsageOID.CLIENT_AUTH
    )
    files = Files(*(folder / name for name in ("ca.pem", "s.pem", "s.key", "s.der", "c.pem", "c.key")))
    pem, der = serialization.Encoding.PEM, serialization.Encoding.DER
    for path, certificate, encoding in (
        (files.authority, root, pem), (files.server, server, pem), (files.server_der, server, der),
        (files.client, client, pem),
    ):  # fmt: skip
        path.write_bytes(certificate.public_bytes(encoding))
    for path, key in ((files.server_key, leaf_key), (files.client_key, client_key)):
        plain = serialization.NoEncryption()
        path.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return files


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _signed(  # noqa: PLR0913 - what a certificate says
    subject: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    authority: bool = False,
    usage: x509.ObjectIdentifier | None = None,
) -> Certificate:
    now = dt.datetime.now(dt.UTC)
    hour = dt.timedelta(hours=1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - hour)
        .not_valid_after(now + hour)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .add_extension(_key_usage(authority=authority), critical=True)
    )
    if usage is not None:
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )
