"""Whatever the file holds: a state or a StateError, never anything else."""

import json
from typing import Any

import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bridged.desired.errors import StateError
from bridged.desired.source import Source, digest
from bridged.desired.state import State
from tests.unit.desired.support import load, sources
from tests.unit.desired.test_schema import CONFIG

# Slow machines are no failures.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
REFERENCE = (CONFIG / "state.yaml").read_bytes()


def _state_or_error(*texts: str | bytes) -> State | None:
    """The state, or None after a look at the error."""
    try:
        return load(*texts).state
    except StateError as error:
        found = error
    assert found.problems
    assert all(p.message and p.line >= 1 and p.column >= 1 for p in found.problems)
    assert str(found).replace("\n", "").isprintable()
    return None


@patient
@given(st.binary(max_size=200))
@example(b'a: "\\UFFFFFFFF"')
@example(b'version: 1\nmodules: ["\\uD800"]')
@example(b"%YAML 1." + b"9" * 5000 + b"\n---\n")
@example(b"version: " + b"9" * 5000)
@example(b"? ? ? a")
@example(b"\xef\xbb\xbf\xef\xbb\xbf")
def test_any_bytes_give_a_state_or_a_state_error(data: bytes) -> None:
    _state_or_error(data)


_WORDS = (
    "version bridges modules sysctls protect ports vlan parent name mtu stp at-least br-lan enp1 "
    "a.b a/b 1 0 06 0x1 1e3 yes 'no' null ~ - ? : , [ ] { } & * ! | > ' \" % @ ` # --- ... << \\"
)
_GAPS = [" ", "\n", "\n  ", "\n    ", ": ", "- ", "version: 1\n", "\r\n", "\t", "\u00a0", "é", "漢"]
_TOKENS = st.sampled_from([*_WORDS.split(), *_GAPS])


@patient
@given(st.lists(_TOKENS, max_size=40).map("".join))
def test_any_heap_of_yaml_gives_a_state_or_a_state_error(text: str) -> None:
    _state_or_error(text)
    _state_or_error("version: 1\nmodules: [kvm]\n" + text)
    _state_or_error("version: 1\nmodules: [kvm]\n", text)


_PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
_SECTION = st.sampled_from(["bridges", "modules", "sysctls", "protect"])


@patient
@given(st.dictionaries(_SECTION, _PLAIN), st.dictionaries(_SECTION, _PLAIN))
def test_any_values_in_the_right_places_give_a_state_or_a_state_error(
    base: dict[str, Any], drop_in: dict[str, Any]
) -> None:
    text = yaml.safe_dump({"version": 1, **base}, allow_unicode=True)
    _state_or_error(text, yaml.safe_dump(drop_in, allow_unicode=True))
    wrapped = {"version": 1, "bridges": {"b": base, "c": {"ports": [base, drop_in]}}}
    _state_or_error(yaml.safe_dump(wrapped, allow_unicode=True))


def test_the_reference_file_cut_anywhere_gives_a_valid_state_or_a_state_error() -> None:
    valid = 0
    for end in range(len(REFERENCE)):
        state = _state_or_error(REFERENCE[:end])
        if state is not None:
            valid += 1
            State.model_validate(state.model_dump(by_alias=True))
    # A cut at the end of a line, or in a comment, can leave a shorter state that nobody can tell
    # from a whole one.
    comments = sum(len(line) + 1 for line in REFERENCE.splitlines() if line.lstrip()[:1] == b"#")
    assert 0 < valid < comments + (len(REFERENCE) - comments) / 2


def test_a_cut_never_leaves_a_bridge_without_the_port_that_it_had() -> None:
    whole = load(REFERENCE).state.bridges or {}
    for end in range(len(REFERENCE)):
        state = _state_or_error(REFERENCE[:end])
        for name, bridge in ((state and state.bridges) or {}).items():
            assert bridge.ports == whole[name].ports


@settings(patient, max_examples=200)
@given(
    st.integers(0, len(REFERENCE)), st.integers(0, 20), st.sampled_from([b"", b"\t", b"x", b"\n"])
)
def test_the_damaged_reference_file_gives_a_state_or_a_state_error(
    start: int, length: int, instead: bytes
) -> None:
    _state_or_error(REFERENCE[:start] + instead + REFERENCE[start + length :])


_NAME = st.from_regex(r"[a-z][a-z0-9]{0,6}", fullmatch=True).filter(
    lambda name: name not in {"all", "default", "on", "off", "yes", "no", "true", "false", "null"}
)
_PORT = st.fixed_dictionaries({}, optional={"mtu": st.integers(68, 1500), "hairpin": st.booleans()})
_STATE = st.fixed_dictionaries(
    {"version": st.just(1), "modules": st.lists(_NAME, unique=True, max_size=4)},
    optional={
        "bridges": st.dictionaries(
            _NAME.map("br-{}".format),
            st.fixed_dictionaries(
                {}, optional={"mtu": st.integers(68, 65535), "stp": st.booleans()}
            ),
            max_size=4,
        ),
        "sysctls": st.dictionaries(
            _NAME.map("kernel.{}".format),
            st.integers(-(2**31), 2**63) | st.fixed_dictionaries({"at-least": st.integers(0, 9)}),
            max_size=4,
        ),
    },
)


@patient
@given(_STATE, st.data())
def test_what_is_written_is_what_is_loaded(declared: dict[str, Any], data: st.DataObject) -> None:
    names = iter(data.draw(st.lists(_NAME, unique=True, min_size=8, max_size=8)))
    for bridge in declared.get("bridges", {}).values():
        bridge["ports"] = [{"name": next(names), **data.draw(_PORT)} for _ in range(2)]
    for text in (yaml.safe_dump(declared), json.dumps(declared)):
        found = json.loads(json.dumps(load(text).data))
        if "sysctls" in found:
            found["sysctls"] = {key.replace("/", "."): v for key, v in found["sysctls"].items()}
        assert found == declared


def test_names_of_files_are_part_of_the_hash_and_folders_are_not() -> None:
    one, two = sources("version: 1\n", "modules: []\n")
    assert digest([one, two]) != digest([two, one])
    assert digest([one]) == digest([Source("/elsewhere/state.yaml", one.data)])
    assert digest([one]) != digest([Source("/etc/bridged/other.yaml", one.data)])
    assert digest([one]) != digest([Source(one.name, one.data + b"#")])
