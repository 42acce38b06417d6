"""A bill of materials (CycloneDX 1.6, JSON) of one package, or of what develops bridged.

    sbom.py deb VERSION PACKAGE OUTPUT
    sbom.py rpm VERSION PACKAGE OUTPUT VENDOR    VENDOR: the folder with what is bundled
    sbom.py wheel VERSION PACKAGE OUTPUT
    sbom.py development VERSION - OUTPUT

What is bundled or locked is listed with its version, licence and the hashes that its files may
have; what the distribution brings, by name and least version.  The same input gives the same bytes:
its time is SOURCE_DATE_EPOCH.
"""

import hashlib
import os
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import (
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    Property,
    XsUri,
)
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
_DEVELOPMENT = "bridged development"
_LONGEST = 100
"""Letters of a licence's name; some projects put the whole text in its place."""
_CLASSIFIERS = {
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: BSD License": "BSD-3-Clause",
    "License :: OSI Approved :: MIT License": "MIT",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
_CORRECTED = {"LGPLv2+": "LGPL-2.1-or-later"}
"""pydbus: what its files say."""


def locked(path: Path) -> Iterator[tuple[str, str, list[str]]]:
    """Name, version and SHA-256 of the files of each requirement in a lock."""
    for entry in re.split(r"\n(?=\S)", path.read_text(encoding="utf-8")):
        match = re.match(r"([A-Za-z0-9._-]+)==([^\s;\\]+)", entry)
        if match:
            yield match[1], match[2], re.findall(r"sha256:([0-9a-f]{64})", entry)


def licence(information: metadata.PackageMetadata) -> str | None:
    """The licence as an SPDX expression where it is given as one, None where it is not told."""
    given = information.json
    said = str(given.get("license_expression") or given.get("license") or "")
    if 0 < len(said) < _LONGEST and "\n" not in said:
        return _CORRECTED.get(said, said)
    found = [_CLASSIFIERS[c] for c in information.get_all("Classifier") or () if c in _CLASSIFIERS]
    return " OR ".join(found) or None


def libraries(lock: Path, folders: Sequence[str], scope: ComponentScope) -> Iterator[Component]:
    """What is locked; its licences are those of the distributions in `folders`."""
    present = {
        _plain(found.metadata["Name"]): found.metadata
        for found in metadata.distributions(path=list(folders))
    }
    for name, version, hashes in locked(lock):
        purl = PackageURL("pypi", name=_plain(name), version=version)
        information = present.get(_plain(name))
        text = licence(information) if information else None
        yield Component(
            name=name,
            version=version,
            purl=purl,
            bom_ref=purl.to_string(),
            scope=scope,
            licenses=[LicenseFactory().make_from_string(text)] if text else (),
            external_references=[
                ExternalReference(
                    type=ExternalReferenceType.DISTRIBUTION,
                    url=XsUri(purl.to_string()),
                    hashes=[HashType(alg=HashAlgorithm.SHA_256, content=h) for h in hashes],
                )
            ],
        )


def required(kind: str, namespace: str | None, relations: Iterable[str]) -> Iterator[Component]:
    """What the distribution brings: ``NAME (>= LEAST)`` in either way of writing it."""
    for relation in relations:
        match = re.match(r"([\w./+-]+)\s*(?:\(?>=\s*([\w.:~]+)\)?)?", relation.strip())
        if match is None:
            continue
        purl = PackageURL(kind, namespace, match[1])
        least = [Property(name="bridged:least-version", value=match[2])] if match[2] else []
        yield Component(
            name=match[1],
            purl=purl,
            bom_ref=purl.to_string(),
            scope=ComponentScope.REQUIRED,
            properties=least,
        )


def debian_relations() -> list[str]:
    """What the .deb depends on, from its control file."""
    control = (HERE / "deb/debian/control").read_text(encoding="utf-8")
    depends = re.search(r"^Depends:((?:.*\n)(?: .*\n)*)", control, re.MULTILINE)
    assert depends is not None, "the control file has no Depends"
    return [part.strip() for part in depends[1].split(",") if "${" not in part]


def rocky_relations() -> list[str]:
    """What the .rpm requires, from its spec."""
    spec = (HERE / "rpm/bridged.spec").read_text(encoding="utf-8")
    found = re.findall(r"^Requires: +(.*)$", spec, re.MULTILINE)
    # The ABI is that of the interpreter, which is named by its path.
    return [r.removeprefix("/usr/bin/") for r in found if not r.startswith("python(abi)")]


def python_relations() -> list[str]:
    """What the wheel requires, from pyproject.toml."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        return list(tomllib.load(file)["project"]["dependencies"])


def components(kind: str, vendor: str) -> Iterator[Component]:
    """Everything besides bridged itself."""
    if kind == "deb":
        yield from required("deb", "debian", debian_relations())
    elif kind == "rpm":
        yield from required("rpm", "rocky", rocky_relations())
        yield from libraries(HERE / "requirements/libraries.txt", [vendor], ComponentScope.REQUIRED)
    elif kind == "wheel":
        yield from required("pypi", None, python_relations())
    else:
        yield from libraries(HERE / "requirements/dev.txt", sys.path, ComponentScope.EXCLUDED)


def bill(kind: str, version: str, package: str, vendor: str = "") -> str:
    """The document."""
    types = {"deb": ("deb", "debian"), "rpm": ("rpm", "rocky"), "wheel": ("pypi", None)}
    type_, namespace = types.get(kind, ("generic", None))
    name = "bridged" if kind in types else _DEVELOPMENT
    purl = PackageURL(type_, namespace, name.replace(" ", "-"), version)
    digests = []
    if package != "-":
        content = hashlib.sha256(Path(package).read_bytes()).hexdigest()
        digests.append(HashType(alg=HashAlgorithm.SHA_256, content=content))
    subject = Component(
        name=name,
        version=version,
        type=ComponentType.APPLICATION,
        purl=purl,
        bom_ref=purl.to_string(),
        licenses=[LicenseFactory().make_from_string("Apache-2.0")],
        hashes=digests,
    )
    parts = list(components(kind, vendor))
    made = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), UTC)
    bom = Bom(components=parts, serial_number=uuid5(NAMESPACE_URL, f"{purl} {made} {digests}"))
    bom.metadata.timestamp = made
    bom.metadata.component = subject
    bom.register_dependency(subject, parts)
    return str(JsonV1Dot6(bom).output_as_string(indent=2)) + "\n"


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main(arguments: list[str]) -> int:
    """The command line; see the module's docstring."""
    if len(arguments) < 4 or (arguments[0] == "rpm") != (len(arguments) == 5):
        print(__doc__, file=sys.stderr)
        return 2
    kind, version, package, output, *vendor = arguments
    Path(output).write_text(bill(kind, version, package, *vendor), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
