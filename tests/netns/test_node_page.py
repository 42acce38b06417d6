"""The page and the picture of a node that lives."""

from collections.abc import Iterator

import pytest

from tests.lab.netns import NetnsLab
from tests.lab.node import wait_until
from tests.netns.agent import DMZ_NIC, REFERENCE, Agent, agent_on

_FETCH = """
import sys, urllib.request
request = urllib.request.Request("http://127.0.0.1:9947/", headers={"Accept": "text/html"})
sys.stdout.write(urllib.request.urlopen(request, timeout=10).read().decode())
"""


@pytest.fixture
def serving(lab: NetnsLab) -> Iterator[Agent]:
    """An agent with a page, on a node that is as the reference state says."""
    with agent_on(lab, "--metrics", "127.0.0.1:9947") as made:
        made.converge(REFERENCE)
        yield made


def page(lab: NetnsLab) -> str:
    return lab.run("python3", "-c", _FETCH).stdout


def test_the_page_and_the_tree_show_guests_and_a_cable_that_is_out(
    lab: NetnsLab, serving: Agent
) -> None:
    lab.add_guest("br-lan", "vnet0")
    wait_until(lambda: "vnet0" in page(lab), 20, "the guest is on the page")
    assert "as desired" in serving.ctl("graph", "br-lan")
    assert "vnet0" in serving.ctl("graph", "br-lan")
    lab.carrier(DMZ_NIC, up=False)
    silent = f"card {DMZ_NIC}: no carrier"
    wait_until(lambda: silent in page(lab), 20, "the card without carrier is on the page")
    assert "no carrier" in serving.ctl("graph", "br-dmz")
    assert serving.ctl("graph", "--format", "svg").startswith("<svg ")


def test_a_broken_state_file_is_on_the_page_with_its_place(lab: NetnsLab, serving: Agent) -> None:
    serving.declare("version: 1\nbridges: {br-lan: {prots: []}}\n")
    wait_until(lambda: "state.yaml:2:" in page(lab), 20, "the error is on the page")
    assert "the last good state stays in force" in page(lab)
