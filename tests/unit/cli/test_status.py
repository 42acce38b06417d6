"""What a tired operator must see on the status page."""

import re
from dataclasses import replace
from typing import Any

import pytest

from bridged.cli.render import status_text
from bridged.cli.terminal import Terminal, cells
from bridged.report import ObjectReport, PropertyDrift, Report, as_json
from tests.unit.serve.reports import (
    AS_DESIRED,
    BROKEN,
    CONTENDED,
    DRIFTING,
    LINKS,
    NOW,
    STATE,
    change,
    link,
)

ALL = [AS_DESIRED, DRIFTING, CONTENDED, BROKEN]


def page(report: Report, width: int = 80, bridge: str | None = None, **looks: bool) -> str:
    return status_text(as_json(report), NOW, Terminal(width, **looks), bridge)


def said(text: str) -> str:
    """The words alone, however they were broken into lines."""
    return " ".join(text.split())


def test_the_whole_page_of_a_node_that_is_right() -> None:
    assert page(AS_DESIRED) == (
        "✓ node1: as desired, 17 objects, last repair 3 min ago\n"
        "  seen 4 s ago · bridged 0.1.0, up 3 d · NetworkManager 1.52.1\n"
        "  /etc/bridged/state.yaml\n"
        "\n"
        "BRIDGE    STATE       PORTS           GUESTS                 REPAIRED\n"
        "✓ br-lan  as desired  enp13s0f0 up    3: vnet0, vnet3, tap7  3 min ago\n"
        "✓ br-web  as desired  enp13s0f0.6 up  1: vnet1               -\n"
        "✓ br-dmz  as desired  enp13s0f3 up    none                   -\n"
        "\n"
        "✓ modules     5 as desired: overlay, br_netfilter, kvm, vhost_net, dm_crypt\n"
        "✓ sysctls     6 as desired\n"
        "\n"
        "LAST REPAIRS\n"
        "✓ 3 min ago  bridge br-lan: stp drifted; set br_stp_state=0 on br-lan\n"
    )


def test_drift_is_counted_first_and_told_with_both_values() -> None:
    lines = page(DRIFTING).splitlines()
    assert lines[0] == "! node1: 2 of 17 objects are not as desired"
    text = said(page(DRIFTING))
    assert "! bridge br-dmz drift for 2 s: about to be repaired" in text
    assert "stp true in kernel and NetworkManager, should be false" in text
    assert "mtu 1500, should be 9000" in text
    assert "! sysctl net.ipv4.ip_forward drift for 2 s" in text
    assert "is 0, should be 1" in text
    assert "! br-dmz drift enp13s0f3 up" in text
    assert "! sysctls 5 of 6 as desired" in text


def test_a_look_of_our_own_promises_nothing() -> None:
    text = said(page(replace(DRIFTING, agent=False)))
    assert "! bridge br-dmz drift: bridgedctl apply repairs it" in text
    assert "no repair so far" not in said(page(replace(AS_DESIRED, agent=False)))


def test_problems_stand_before_what_is_right() -> None:
    text = page(CONTENDED)
    order = [
        "node1: 2 of 17",
        "port enp13s0f3  blocked",
        "sysctl net.bridge.bridge-nf-call-iptables  contended",
        "guests on br-lan can send",
        "BRIDGE ",
        "LAST REPAIRS",
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def test_a_problem_tells_reason_remedy_and_next_attempt() -> None:
    text = said(page(CONTENDED))
    assert "(1 blocked, 1 contended)" in text
    assert "why there is no interface enp13s0f3; present are enp13s0f3np3" in text
    assert "do correct the name in the state file" in text
    assert "next in 28 s" in text
    assert "enp13s0f3 missing" in text
    assert "[vlan-injection] do declare vlan-filtering: true for br-lan" in text
    assert "failed: NetworkManager: no suitable device found" in text


def test_a_failed_object_tells_which_attempt_comes() -> None:
    report = change(
        AS_DESIRED, "module", "kvm", condition="failed", attempts=3, next_attempt=NOW + 40
    )
    assert "next attempt 4 in 40 s" in said(page(report))


def test_withheld_tells_the_command_that_allows_it() -> None:
    report = change(
        AS_DESIRED,
        "bridge",
        "br-lan",
        condition="withheld",
        reason="would take br-lan away from 3 guest ports (vnet0, vnet3, tap7)",
        remedy="bridgedctl apply --allow-disruption br-lan",
        since=NOW - 60,
    )
    text = page(report)
    assert "    do    bridgedctl apply --allow-disruption br-lan\n" in text


def test_errors_of_the_state_file_keep_line_and_caret() -> None:
    text = page(BROKEN)
    assert text.splitlines()[0].startswith("✗ node1: the state file has errors")
    assert "as desired, 17 objects" in said(text)
    assert "the last good state stays in force" in said(text)
    assert "/etc/bridged/state.yaml:4:12: `prots` is not a key of a bridge" in said(text)
    assert "did you mean `ports`?" in text
    assert "save, bridged reads it again by itself" in said(text)
    assert "bridgedctl validate" in page(replace(BROKEN, agent=False))


@pytest.mark.parametrize("width", [30, 40, 80, 200])
def test_the_caret_points_at_the_same_place_at_every_width(width: int) -> None:
    lines = page(BROKEN, width).splitlines()
    number = next(n for n, line in enumerate(lines) if line.strip() == "^")
    assert lines[number - 1][lines[number].index("^") :].startswith("prots")


def test_a_long_line_is_cut_around_its_caret() -> None:
    row = "    " + "a" * 90 + "WRONG" + "b" * 50
    problem = f"s.yaml:1:91: no\n{row}\n{' ' * 94}^"
    state = replace(STATE, valid=False, source="last-good", problems=(problem,))
    lines = page(replace(AS_DESIRED, state=state), 40).splitlines()
    number = next(n for n, line in enumerate(lines) if line.strip() == "^")
    assert lines[number - 1][lines[number].index("^") :].startswith("WRONG")
    assert len(lines[number - 1]) <= 40


def test_without_any_good_state_nothing_is_claimed() -> None:
    state = replace(STATE, valid=False, source="none", problems=("no such file",))
    report = replace(AS_DESIRED, state=state, objects=(), links=(), repairs=())
    text = said(page(report))
    assert text.startswith("✗ node1: no usable state file, nothing is kept as declared")
    assert "as desired" not in text


@pytest.mark.parametrize("report", ALL)
@pytest.mark.parametrize("width", [30, 40, 60, 80, 120])
def test_no_line_is_wider_than_the_terminal(report: Report, width: int) -> None:
    names = max(len(item.name) for item in report.objects) + len("sysctl  ") + 4
    for line in page(report, width).splitlines():
        assert cells(line) <= max(width, names), line


@pytest.mark.parametrize("report", ALL)
def test_colour_repeats_what_words_and_symbols_say(report: Report) -> None:
    coloured = page(report, colour=True)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == page(report)


@pytest.mark.parametrize("report", ALL)
def test_ascii_where_the_locale_knows_nothing_else(report: Report) -> None:
    assert page(report, unicode=False).isascii()


def test_narrow_terminals_get_blocks_and_no_table() -> None:
    text = page(AS_DESIRED, 40)
    assert "BRIDGES\n✓ br-lan  as desired\n    ports   enp13s0f0 up\n" in text
    assert "    guests  3: vnet0, vnet3, tap7\n" in text


def test_many_guests_are_counted_and_named_as_far_as_there_is_room() -> None:
    guests = tuple(f"vnet{number}" for number in range(200))
    report = replace(AS_DESIRED, links=(link("br-lan", "bridge", "br-lan", guests), *LINKS[1:]))
    text = page(report)
    assert re.search(r"200: vnet0, .*\+19\d", text)
    assert max(map(len, text.splitlines())) <= 80


def test_many_ports_go_into_lines_of_their_own() -> None:
    extra = tuple(
        ObjectReport("port", f"enp20s0f{number}", "converged", bridge="br-lan")
        for number in range(6)
    )
    text = page(replace(AS_DESIRED, objects=(*AS_DESIRED.objects, *extra)))
    for item in extra:
        assert f"{item.name} missing" in text
    assert max(map(len, text.splitlines())) <= 80


def test_states_of_links() -> None:
    links = tuple(
        replace(item, carrier=False)
        if item.name == "enp13s0f0"
        else replace(item, up=False)
        if item.name == "enp13s0f3"
        else item
        for item in LINKS
    )
    text = page(replace(AS_DESIRED, links=links))
    assert "enp13s0f0 no carrier" in text
    assert "enp13s0f3 down" in text


def test_what_is_not_offered_is_named_and_no_problem() -> None:
    name = "net.bridge.bridge-nf-call-arptables"
    text = page(change(AS_DESIRED, "sysctl", name, condition="unavailable"))
    assert text.startswith("✓ node1: as desired")
    assert "5 of 6 as desired" in text
    assert f"not offered by this host: {name}" in said(text)


def test_an_old_report_and_a_missing_networkmanager_are_told() -> None:
    report = replace(AS_DESIRED, time=NOW - 1200, max_age=240.0, network_manager_available=False)
    report = replace(report, network_manager="NetworkManager is not running", watch_mode="none")
    text = said(page(report))
    assert text.startswith("✗ node1: bridged has told nothing for 20 min; before that: as desired")
    assert "this report is 20 min old" in text
    assert "systemctl restart bridged" in text
    assert "NetworkManager is not running: profiles are neither read nor repaired" in text
    assert "the state file is not watched" in text


def test_one_bridge_in_full() -> None:
    text = page(CONTENDED, bridge="br-dmz")
    assert text.startswith("✗ br-dmz on node1: 1 of 2 objects is not as desired\n")
    assert "net.bridge" not in text
    assert "br-lan" not in text
    link = "br-dmz up, mtu 1500, 52:54:00:00:00:01, 2 carrier changes, 1 rx error port"
    assert link in " ".join(text.split())
    assert "port    enp13s0f3  missing\n" in text
    assert "guests  3: vnet0, vnet3, tap7\n" in page(AS_DESIRED, bridge="br-lan")


def test_text_of_others_cannot_drive_the_terminal() -> None:
    nasty = "wired\x1b]0;owned\x07\x1b[2J\nx\u202e"
    report = change(
        AS_DESIRED,
        "bridge",
        "br-lan",
        condition="drift",
        reason=nasty,
        drift=(PropertyDrift("profile", "one", network_manager=nasty),),
    )
    text = page(report)
    assert all(char.isprintable() or char == "\n" for char in text)
    assert "owned" in text


def test_nothing_declared() -> None:
    document: dict[str, Any] = as_json(replace(AS_DESIRED, objects=(), links=(), repairs=()))
    text = status_text(document, NOW, Terminal(80))
    assert text.startswith("✓ node1: as desired, nothing is declared")
