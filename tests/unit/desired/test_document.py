"""YAML as it is accepted, and every trap of YAML that is not."""

from itertools import pairwise

import pytest

from tests.unit.desired.support import at, bridge, load, problem, problems


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        ("# only\n# comments\n", "the file has only comments"),
        ("null\n", "the file declares nothing"),
        ("~\n", "the file declares nothing"),
        ("---\n", "the file declares nothing"),
        ("---\n...\n", "the file declares nothing"),
    ],
)
def test_a_file_without_content_is_an_error_and_not_a_wish_for_nothing(
    text: str, message: str
) -> None:
    found = problem(text)
    assert at(found) == (1, 1)
    assert found.message == message
    assert "bridges: {}" in found.remedy


@pytest.mark.parametrize("text", ["[]\n", "- version: 1\n", "text\n", "1\n", "true\n"])
def test_a_file_that_is_no_mapping_is_an_error(text: str) -> None:
    found = problem(text)
    assert at(found) == (1, 1)
    assert found.message.startswith("the file must hold keys")


@pytest.mark.parametrize("text", ["---\n---\n", "version: 1\n---\nversion: 1\n"])
def test_a_second_document_is_an_error_at_its_place(text: str) -> None:
    found = problem(text)
    assert at(found) == (text.rindex("---") // 4 + 1 if text[0] == "-" else 2, 1)
    assert "second document" in found.message


def test_a_document_start_and_end_are_accepted() -> None:
    assert load("---\nversion: 1\nmodules: []\n...\n").state.modules == ()


def test_a_byte_order_mark_and_windows_line_ends_are_accepted() -> None:
    assert load(b"\xef\xbb\xbfversion: 1\r\nmodules: [kvm]\r\n").state.modules == ("kvm",)


def test_places_count_from_behind_a_byte_order_mark() -> None:
    assert at(problem(b"\xef\xbb\xbffoo: 1\r\nversion: 1\r\nmodules: []\r\n")) == (1, 1)


def test_columns_count_characters_and_not_bytes() -> None:
    assert at(problem('version: 1\nsysctls: {"ä.ö": "ü", b: 1}\n')) == (2, 23)


def test_bytes_that_are_not_utf_8_are_named_with_their_place() -> None:
    found = problem(b"version: 1\n# caf\xe9\n")
    assert at(found) == (2, 6)
    assert found.message == "the byte 0xe9 is not UTF-8"


def test_such_bytes_are_found_behind_a_byte_order_mark() -> None:
    assert at(problem(b"\xef\xbb\xbf# caf\xe9\n")) == (1, 6)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_utf_16_is_an_error(encoding: str) -> None:
    assert "UTF-" in problem("\ufeffversion: 1\n".encode(encoding)).remedy


def test_a_file_of_zero_bytes_after_a_power_failure_is_an_error() -> None:
    found = problem(bytes(100))
    assert at(found) == (1, 1)
    assert "U+0000" in found.message


@pytest.mark.parametrize("char", ["\x1b", "\x85", "\u2028", "\x7f"])
def test_control_characters_and_hidden_line_ends_are_errors(char: str) -> None:
    found = problem(f"version: 1\nmodules: [a{char}b]\n")
    assert at(found) == (2, 12)
    assert char not in str(found)


def test_a_no_break_space_in_a_value_is_named() -> None:
    found = problem("version: 1\nmodules: [\u00a0kvm]\n")
    assert at(found) == (2, 11)
    assert "no-break space" in found.message


def test_typographic_quotes_are_no_part_of_a_name() -> None:
    """Of a text processor or a web page: the bridge would have them in its name."""
    found = problem("version: 1\nbridges:\n  \u201cbr0\u201d: {}\n")
    assert (at(found), found.remedy) == ((3, 3), 'write "br0"')
    found = problem("version: 1\nmodules: [\u2018kvm\u2019]\n")
    assert (at(found), found.remedy) == ((2, 11), 'write "kvm"')
    load('version: 1\nbridges: {"\u201cbr0\u201d": {}}\n')  # who insists may


def test_a_no_break_space_behind_a_key_is_named() -> None:
    found = problem("version: 1\nmodules:\u00a0[]\n")
    assert at(found) == (2, 9)
    assert "no-break space" in found.message


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("version: 1\nbridges:\n\tb: {}\n", (3, 1)),
        ("version: 1\nbridges:\n  b:\t{}\n", (3, 5)),
        ("version: 1\nbridges:\n  b: {stp:\tno}\n", (3, 11)),
        ("version: 1\nmodules:\n-\tkvm\n", (3, 2)),
        ("version: 1\nsysctls:\n  net.ipv4.ip_local_port_range: 1024\t65535\n", (3, 37)),
    ],
)
def test_a_tab_is_named_with_its_place(text: str, place: tuple[int, int]) -> None:
    found = problem(text)
    assert at(found) == place
    assert found.message == "a tab stands here"
    assert found.remedy == "use spaces"


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("version:1\nmodules: []\n", (1, 9), "a space is missing"),
        ("version: 1\nmodules\n", (2, 8), "a `:` is missing"),
        ("version: 1\nmodules:\n- a\nb\n", (4, 2), "a `:` is missing"),
        ("version: 1\n  modules: []\n", (2, 10), "a `:` cannot stand here"),
        ("version: 1\nmodules: [a]]\n", (2, 13), "`]` too many"),
        ("version: 1\nbridges: {a: {}}}\n", (2, 17), "`}` too many"),
        ("{version: 1}}\n", (1, 13), "`}` too many"),
        ("version: 1\nmodules: []\n...\nsysctls: {}\n", (4, 1), "the state ends above this line"),
        ("version: 1\nmodules: [a\n", (2, 12), "the closing `]` of the list"),
        ("version: 1\nbridges: {a: {}\n", (2, 16), "the closing `}` of the mapping"),
        ("version: 1\nmodules: [a\nbridges: {}\n", (3, 8), "list that begins in line 2"),
        ("version: 1\nmodules: ['a]\n", (2, 14), "the quotes that begin in line 2"),
        ('version: 1\nmodules: ["a]\n', (2, 14), "the quotes that begin in line 2"),
        ("version: 1\nbridges:\n  a: {}\n b: {}\n", (4, 2), "does not belong"),
        ("version: 1\nmodules: [@a]\n", (2, 11), "cannot begin with `@`"),
        ("version: 1\nmodules: [%a]\n", (2, 11), "cannot begin with `%`"),
        ("version: 1\nmodules: [*]\n", (2, 12), "cannot begin with `*`"),
        ("version: 1\nmodules: - a\n", (2, 10), "list item"),
        ('version: 1\nsysctls: {a.b: "\\q"}\n', (2, 18), "`\\q` means nothing"),
        ('version: 1\nsysctls: {a.b: "\\xg"}\n', (2, 19), "an escape"),
        ('version: 1\nsysctls: {a.b: "\\UFFFFFFFF"}\n', (2, 17), "is no character"),
        ("%YAML 2.0\n---\nversion: 1\n", (1, 1), "version of YAML"),
    ],
)
def test_broken_yaml_is_explained_at_its_place(
    text: str, place: tuple[int, int], words: str
) -> None:
    found = problem(text)
    assert words in found.message
    assert at(found) == place


def test_a_key_twice_is_an_error_naming_both_lines() -> None:
    found = problem("version: 1\nbridges: {}\nmodules: []\nbridges: {}\n")
    assert at(found) == (4, 1)
    assert found.message == "`bridges` is written twice, first in line 2"


def test_a_key_twice_is_found_in_every_depth_and_through_quotes() -> None:
    assert at(problem(bridge("mtu: 1500, stp: no, 'mtu': 9000"))) == (3, 27)


def test_two_bridges_of_one_name_are_an_error() -> None:
    found = problem("version: 1\nbridges:\n  a: {}\n  a: {mtu: 9000}\n")
    assert at(found) == (4, 3)
    assert "first in line 3" in found.message


@pytest.mark.parametrize("key", ["on", "yes", "no", "off", "true", "1", "06", "1.5", "null", "~"])
def test_a_key_that_yaml_takes_for_something_else_must_be_quoted(key: str) -> None:
    found = problem(f"version: 1\nmodules: []\n{key}: 1\n")
    assert at(found) == (3, 1)
    assert found.remedy == f'put it in quotes: "{key}"'


def test_such_a_name_is_accepted_in_quotes() -> None:
    assert "on" in (load("version: 1\nbridges: {'on': {}}\n").state.bridges or {})


@pytest.mark.parametrize("key", ["? [a]\n: 1", "[a]: 1", "{a: b}: 1", "? {a: b}\n: 1"])
def test_a_key_that_is_no_word_is_an_error(key: str) -> None:
    found = problem(f"version: 1\nmodules: []\n{key}\n")
    assert found.line == 3
    assert found.message == "a key must be a word, not a list or mapping"


def test_a_template_that_was_not_filled_in_is_recognised() -> None:
    found = problem(bridge("ports: [{{ nic }}]"))
    assert at(found) == (3, 16)
    assert "template" in found.remedy


def test_a_missing_key_is_an_error() -> None:
    assert problem("version: 1\nmodules: []\n: 1\n").message == "a key is missing before the `:`"


def test_merge_keys_are_refused_on_purpose() -> None:
    found = problem(bridge("<<: {mtu: 1500}"))
    assert at(found) == (3, 7)
    assert "merge keys" in found.message


def test_anchors_and_aliases_are_refused_on_purpose() -> None:
    anchor, alias = problems("version: 1\nbridges:\n  a: &x {}\n  b: *x\n")
    assert at(anchor) == (3, 6)
    assert at(alias) == (4, 6)
    assert alias.message == "the alias `*x` is not supported"


def test_an_alias_bomb_costs_nothing() -> None:
    rows = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    rows += [f"{b}: &{b} [{', '.join(['*' + a] * 9)}]" for a, b in pairwise("abcdefghi")]
    assert problems("\n".join(rows))


def test_an_alias_to_what_surrounds_it_is_refused() -> None:
    assert problems("&a\nversion: 1\nbridges: *a\n")


@pytest.mark.parametrize("tag", ["!!str", "!!int", "!mine", "!", "!!python/object/apply:os.system"])
def test_tags_are_refused(tag: str) -> None:
    found = problem(f"version: 1\nmodules: []\nprotect: [{tag} enp8s0]\n")
    assert at(found) == (3, 11)
    assert found.remedy == "remove it"


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_deep_nesting_is_an_error_and_no_crash(opening: str) -> None:
    found = problems("version: 1\nmodules:\n " + opening * 100 + "\n")
    assert any("nested deeper than 32 levels" in item.message for item in found)
    assert problems("version: 1\nmodules:\n " + opening * 100_000)


def test_far_too_many_values_are_an_error() -> None:
    found = problem("version: 1\nmodules: [" + "a," * 200_000 + "]\n")
    assert "more than 100000 values" in found.message


def test_several_mistakes_are_found_at_once_and_sorted() -> None:
    found = problems("version: 2\nbridges:\n  b: {stp: 'no', mtu: 06}\n", "foo: 1\n", "# nothing\n")
    places = [(item.file.rsplit("/", 1)[1], *at(item)) for item in found]
    assert places == [
        ("10.yaml", 1, 1),
        ("20.yaml", 1, 1),
        ("state.yaml", 1, 10),
        ("state.yaml", 3, 12),
        ("state.yaml", 3, 23),
    ]
