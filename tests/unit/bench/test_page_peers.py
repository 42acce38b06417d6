"""The benchmark page's table of cold convergence, from samples."""

import time
from typing import Any

from tests.bench.page_aims import aims
from tests.bench.page_peers import cold, many, vlans
from tests.bench.processor import PARTS, since, spent


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
        within, faster = (line for line in page.splitlines() if "two bridges, against" in line)
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


def _machine(**more: Any) -> dict[str, Any]:
    lab = _lab(nmcli=_taken(10.0), nm_floor=_taken(2.5), asked_agent=_taken(4.0))
    return lab | {"layout": "reference node", "where": "virtual machine", "emulated": True} | more


def _aim(document: dict[str, Any], start: str) -> list[str]:
    return _row(aims(document), start)


def test_a_cold_convergence_is_judged_in_each_laboratory() -> None:
    quick = _lab(nmcli=_taken(0.2), nm_floor=_taken(0.04), asked_agent=_taken(0.05))
    document = {"labs": {"netns": quick, "vm": _machine()}}
    row = _aim(document, "cold convergence, reference node, against Net")
    assert row[2:4] == ["4.00 s, emulated, against 2.50 s", "1.60"]
    assert row[5].startswith("missed")
    row = _aim(document, "cold convergence, two bridges, against Net")
    assert row[2:4] == ["50.0 ms, against 40.0 ms", "1.25"]
    assert row[5] == "**met**"


def test_a_missed_drift_says_what_the_slowest_repair_consists_of() -> None:
    slow, quick = {"bridged": [0.8], "floor": [0.2]}, {"bridged": [0.5], "floor": [0.4]}
    down, mtu, gone = "card set down", "MTU changed", "bridge deleted, two guests"
    parts = {mtu: [{"planning": 0.002}, {"planning": 0.004}], down: [{"planning": 0.009}]}
    drift = {down: quick, mtu: slow, gone: {"bridged": [9.0], "floor": [0.1]}}
    lab = _lab(nmcli=_taken(0.2)) | {"drift": drift, "drift_parts": parts}
    row = _aim({"labs": {"netns": lab}}, "drift, 2 bridges: median")
    assert row[5].startswith("missed")
    assert "MTU changed: planning 3.00 ms" in row[5]


def test_a_drift_beside_many_bridges_is_explained_by_its_own_parts() -> None:
    size = {"drift": [0.9], "floor": [0.1], "drift_parts": [{"reading the link": 0.3}]}
    row = _aim({"labs": {}, "own": {"scale": {"1000": size}}}, "drift, 1,000 bridges: median")
    assert row[3] == "9"
    assert row[5].startswith("missed")
    assert "(reading the link 300 ms)" in row[5]


def _vlans(**sizes: tuple[float, float]) -> dict[str, Any]:
    """Size -> ours and the floor's."""
    return {
        name[1:]: {"asked agent": _taken(ours), "nm floor": _taken(floor)}
        for name, (ours, floor) in sizes.items()
    }


def test_vlans_are_told_with_their_growth_and_say_where_a_way_is_missing() -> None:
    found = _vlans(n10=(2.0, 1.0), n100=(20.0, 10.0))
    found["10"]["nmcli"] = _taken(8.0)
    page = vlans(_machine(vlans=found))
    assert "virtual machine, emulated" in page
    assert _row(page, "10 ") == ["10", "1.00 s", "2.00 s", "8.00 s", "2", "4"]
    assert _row(page, "100") == ["100", "10.0 s", "20.0 s", "", "2", ""]
    assert _row(page, "growth")[1:4] == ["n^1.00", "n^1.00", ""]
    assert "was not tried" in page.splitlines()[-1]


def test_fewer_vlans_than_the_aim_names_are_shown_and_not_judged() -> None:
    """Nor does a slow machine hide behind them: with all 500 it is met or missed."""
    few = {"labs": {"vm": _machine(vlans=_vlans(n10=(2.0, 1.0), n50=(11.0, 5.0)))}}
    row = _aim(few, "500 VLANs")
    assert row[2] == "11.0 s for 50 and 50, emulated"
    assert row[3].startswith("2.2 of")
    assert row[5].startswith("not judged: so many were not made")
    for seconds, verdict in ((19.0, "**met**"), (90.0, "missed")):
        all_of_it = {"labs": {"vm": _machine(vlans=_vlans(n500=(seconds, 9.0)))}}
        assert _aim(all_of_it, "500 VLANs")[5].startswith(verdict)


def test_the_growth_of_vlans_is_judged_by_networkmanagers_own() -> None:
    for ours, verdict in ((100.0, "**met**"), (200.0, "missed")):
        found = _vlans(n10=(2.0, 1.0), n100=(ours, 50.0))
        row = _aim({"labs": {"vm": _machine(vlans=found)}}, "VLANs with a bridge each")
        assert row[5].startswith(verdict)


def test_vlans_that_were_not_measured_say_so() -> None:
    assert _aim({"labs": {}}, "500 VLANs")[5] == "not measured"


def test_whose_processor_time_many_vlans_take_is_told_where_it_was_noted() -> None:
    def taken(second: float, *of: float) -> dict[str, Any]:
        return _taken(second) | {"spent": [dict(zip(PARTS, of, strict=True))]}

    sizes = {
        "10": {"nm floor": taken(9, 6, 1, 1, 0, 1), "asked agent": taken(11, 7, 2, 1, 0, 1)},
        "50": {"nm floor": taken(40, 30, 3, 3, 0, 4), "asked agent": taken(70, 40, 20, 5, 0, 5)},
    }
    lab = {"where": "virtual machine", "emulated": True, "vlans": sizes}
    assert "| 50 | bridged, told at once | 40.0 s | 20.0 s | 5.00 s |" in vlans(lab)
    (row,) = (
        r for r in aims({"labs": {"vm": lab}}).splitlines() if "VLANs with a bridge each" in r
    )
    assert "with 50 VLANs of the one processor NetworkManager 40.0 s, who asks 20.0 s" in row
    assert "(beside the floor NetworkManager 30.0 s)" in row


def test_processor_time_is_told_of_what_runs() -> None:
    before = spent()
    assert set(before) == set(PARTS)
    deadline = time.process_time() + 0.1
    while time.process_time() < deadline:
        pass
    assert sum(since(before).values()) >= 0.09
