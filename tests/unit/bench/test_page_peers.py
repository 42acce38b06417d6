"""The benchmark page's table of cold convergence, from samples."""

from typing import Any

from tests.bench.page_aims import aims
from tests.bench.page_peers import cold, many


def _taken(*seconds: float) -> dict[str, list[float]]:
    return {"right": list(seconds), "done": [second + 0.01 for second in seconds]}


def _lab(**ways: dict[str, list[float]]) -> dict[str, Any]:
    found = {name.replace("_", " "): samples for name, samples in ways.items()}
    return {
        "layout": "two bridges",
        "where": "namespace laboratory",
        "commands": 10,
        "cold": found,
        "calls": {way: {"calls": 12, "changing": 8} for way in found},
        "still": {
            "seconds": [0.01],
            "calls": {"calls": 0, "changing": 0, "links": 0, "files": 0},
        },
    }


def _row(page: str, start: str) -> list[str]:
    (line,) = (line for line in page.splitlines() if line.startswith(f"| {start}"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_every_way_is_told_as_a_multiple_of_networkmanagers_floor_and_of_nmcli() -> None:
    page = cold(_lab(nmcli=_taken(0.2), nm_floor=_taken(0.04), asked_agent=_taken(0.05, 0.05)))
    assert _row(page, "bridged: the running agent, told")[1:4] == ["1.2", "0.25", "50.0 ms"]
    assert _row(page, "NetworkManager's own floor")[1:3] == ["1", "0.2"]


def test_an_aim_is_met_or_missed_by_the_samples() -> None:
    """And the bare kernel's floor is not taken for NetworkManager's."""

    def told(ours: float) -> tuple[list[str], list[str]]:
        ways = {"nmcli": _taken(0.2), "netlink_floor": _taken(0.001), "nm_floor": _taken(0.04)}
        page = aims({"labs": {"netns": _lab(**ways, asked_agent=_taken(ours))}})
        within, faster = (line for line in page.splitlines() if "(two bridges)" in line)
        return within.split("|"), faster.split("|")

    assert [row[-2].strip() for row in told(0.05)] == ["**met**", "**met**"]
    assert [row[-2].strip()[:6] for row in told(0.1)] == ["missed", "missed"]


def test_a_tool_has_its_version_and_what_it_does_not_do_beside_its_number() -> None:
    lab = _lab(nmcli=_taken(0.2), asked_agent=_taken(0.1), ifupdown2=_taken(0.6))
    lab["tools"] = {"ifupdown2": "3.3.0-1.1"}
    row = _row(cold(lab), "ifupdown2 3.3.0: `ifreload -a`")
    assert row[7:9] == ["", ""]  # it does not go through NetworkManager
    assert "watches nothing" in row[9]


def test_samples_without_the_other_tools_still_make_a_page() -> None:
    page = cold(_lab(nmcli=_taken(0.2), asked_agent=_taken(0.1)))
    assert "ifstate" not in page
    assert "times NetworkManager's own floor" not in page


def test_many_bridges_are_told_beside_the_floor() -> None:
    page = many({"10": {"asked agent": _taken(0.3), "nm floor": _taken(0.2)}})
    assert _row(page, "10") == ["10", "200 ms", "300 ms", "1.5"]
