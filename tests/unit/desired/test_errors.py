"""What an operator gets to read."""

from bridged.desired.errors import PRINTED, Problem, StateError, shown
from bridged.errors import BridgedError
from tests.unit.desired.support import problem, problems


def test_a_problem_shows_place_line_caret_and_remedy() -> None:
    found = problem("version: 1\nbridges:\n  br-lan: {stp: 'no'}\n")
    assert str(found) == (
        '/etc/bridged/state.yaml:3:17: `stp` must be true or false, not the text "no"\n'
        "      br-lan: {stp: 'no'}\n"
        "                    ^\n"
        "  remedy: remove the quotes: no"
    )


def test_a_problem_of_the_file_as_a_whole_has_no_place_in_it() -> None:
    assert str(Problem("state.yaml", 0, 0, "gone")) == "state.yaml: gone"


def test_a_long_line_is_cut_around_the_place() -> None:
    row = f"modules: [{'kvm, ' * 200}@x{', kvm' * 200}]"
    _, excerpt, caret, _ = str(problem(f"version: 1\n{row}\n")).splitlines()
    assert len(excerpt) < 120
    assert excerpt.strip()[0] == excerpt[-1] == "…"
    assert excerpt[caret.index("^")] == "@"


def test_the_caret_stands_right_behind_wide_characters_and_tabs() -> None:
    wide = str(Problem("f", 1, 5, "m", "", "漢字: x")).splitlines()
    assert wide[2].index("^") == 4 + 6
    tab = str(Problem("f", 1, 2, "m", "", "\tx")).splitlines()
    assert tab[1:] == ["     x", "     ^"]


def test_a_place_behind_the_end_of_a_line_is_marked_there() -> None:
    assert str(Problem("f", 1, 99, "m", "", "ab")).splitlines()[2] == "      ^"


def test_nothing_that_a_terminal_would_obey_is_printed() -> None:
    found = Problem("f\x1b[2J", 1, 1, "m\x1b]0;\a", "r\n\u202e" + "x" * 5000, "a\x1b[31m\u202eb")
    assert str(found).replace("\n", "").isprintable()
    assert found.message == "m\\x1b]0;\\x07"
    assert found.remedy.startswith("r\\n\\u202ex")
    assert len(found.remedy) < 2100


def test_problems_are_sorted_and_each_is_there_once() -> None:
    later, first = Problem("f", 9, 1, "m"), Problem("f", 2, 5, "m")
    error = StateError([later, first, later])
    assert error.problems == (first, later)
    assert isinstance(error, BridgedError)
    assert str(error) == error.render() == f"{first}\n{later}"


def test_of_very_many_problems_the_first_ones_are_printed() -> None:
    found = problems("version: 1\n" + "".join(f"key{n}: 1\n" for n in range(3000)))
    assert len(found) == 100
    text = str(StateError(found))
    assert text.count("unknown key") == PRINTED
    assert text.endswith("and 80 more, which may follow from these")


def test_a_long_value_is_shortened_and_escaped() -> None:
    assert shown("a\x1b" + "b" * 100) == "a\\x1b" + "b" * 37 + "…"
