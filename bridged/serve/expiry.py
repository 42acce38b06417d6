"""When a certificate expires: Python's ssl tells it only of the other side's."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime

_END = "-----END CERTIFICATE-----"
_VERSION, _UTC_TIME = 0xA0, 0x17
_VALIDITY = 3
"""After serial number, signature algorithm and issuer (RFC 5280, 4.1)."""


def not_after(pem: str) -> float:
    """The end of the first certificate's validity in Unix seconds; ValueError where there is none.

    `pem` is what OpenSSL has read already: this reads four lengths and a date.
    """
    start = pem.index("-----BEGIN CERTIFICATE-----")
    first = pem[start : pem.index(_END, start) + len(_END)]
    _, certificate = next(_elements(ssl.PEM_cert_to_DER_cert(first)))
    _, signed = next(_elements(certificate))
    fields = [content for tag, content in _elements(signed) if tag != _VERSION]
    tag, date = list(_elements(fields[_VALIDITY]))[1]
    form = "%y%m%d%H%M%SZ" if tag == _UTC_TIME else "%Y%m%d%H%M%SZ"
    return datetime.strptime(date.decode("ascii"), form).replace(tzinfo=UTC).timestamp()


def _elements(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each element (X.690, 8.1)."""
    offset = 0
    while offset + 2 <= len(der):
        tag, length = der[offset], der[offset + 1]
        offset += 2
        if length & 0x80:
            size = length & 0x7F
            length = int.from_bytes(der[offset : offset + size], "big")
            offset += size
        yield tag, der[offset : offset + length]
        offset += length
