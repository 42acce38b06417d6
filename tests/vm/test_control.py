"""The control socket and bridgedctl: who may what, and what the exit codes tell."""

import json
from collections.abc import Iterator

import pytest

from tests.lab.node import Node, wait_until
from tests.lab.vm import VmLab
from tests.vm import product
from tests.vm.product import PATIENCE


@pytest.fixture(scope="module")
def node() -> Iterator[VmLab]:
    for lab in product.running():
        lab.sh("""
            useradd reader; usermod -a -G bridged reader
            useradd other
        """)
        yield lab


def as_user(node: Node, user: str, *argv: str) -> tuple[int, str, str]:
    done = node.run("runuser", "-u", user, "--", *argv, check=False)
    return done.returncode, done.stdout, done.stderr


def test_root_may_apply(node: VmLab) -> None:
    node.run("ip", "link", "set", "br-lan", "type", "bridge", "stp_state", "1")
    done = node.run("bridgedctl", "apply")
    assert done.returncode == 0
    assert node.bridge_data("br-lan")["stp_state"] == 0


def test_a_member_of_the_group_may_look(node: VmLab) -> None:
    code, out, _ = as_user(node, "reader", "bridgedctl", "status", "--json")
    assert code == 0
    assert json.loads(out)["converged"]
    assert json.loads(out)["agent"], "the agent answered, it did not look itself"
    code, out, _ = as_user(node, "reader", "bridgedctl", "plan")
    assert code == 0


@pytest.mark.parametrize("method", ["apply", "confirm", "rollback"])
def test_a_member_of_the_group_may_not_change_anything(node: VmLab, method: str) -> None:
    code, _, err = as_user(node, "reader", "bridgedctl", method)
    assert code == 1
    assert "may read but not change" in err
    assert "sudo" in err


@pytest.mark.parametrize("method", ["status", "plan", "apply"])
def test_others_are_turned_away_with_a_way_in(node: VmLab, method: str) -> None:
    code, out, err = as_user(node, "other", "bridgedctl", method)
    assert code == 1
    assert out == ""
    assert "bridged" in err
    assert "sudo" in err
    assert "group bridged" in err
    assert "Traceback" not in err


def test_the_socket_belongs_to_the_group_and_nobody_else(node: VmLab) -> None:
    shown = node.run("stat", "-c", "%U:%G %a", "/run/bridged/control.sock").stdout
    assert shown.strip() == "root:bridged 660"


def test_everybody_may_scrape_the_metrics_and_only_on_this_host(node: VmLab) -> None:
    """The metrics are on loopback: nothing listens on the node's address."""
    assert "bridged_object_converged" in product.scrape(node).text
    address = node.addresses()[product.ADMIN][0].partition("/")[0]
    script = f"exec 3<>/dev/tcp/{address}/9947"
    assert node.run("bash", "-c", script, check=False).returncode != 0


def test_exit_codes_tell_as_desired_error_and_drift(node: VmLab) -> None:
    """0, 1 and 2, of status, plan and validate; wrong usage is an error, not drift."""
    product.converged(node)
    assert node.run("bridgedctl", "status", check=False).returncode == 0
    assert node.run("bridgedctl", "plan", check=False).returncode == 0
    assert node.run("bridgedctl", "status", "--nonsense", check=False).returncode == 1
    assert node.run("bridgedctl", "status", "br-lna", check=False).returncode == 1
    product.declare(node, product.reference(modules="[overlay, no_such_module]"))
    wait_until(lambda: product.item(node, "module/no_such_module"), PATIENCE, "the new state")
    assert node.run("bridgedctl", "status", check=False).returncode == 2
    product.declare(node, product.reference())
    product.converged(node)


def test_without_an_agent_status_and_apply_do_the_same_job(node: VmLab) -> None:
    """The same code without the service: drift is seen, and repaired once."""
    node.run("systemctl", "stop", "bridged")
    try:
        node.run("ip", "link", "set", "br-lan", "type", "bridge", "stp_state", "1")
        done = node.run("bridgedctl", "status", check=False, timeout=120)
        assert done.returncode == 2
        assert "not running" in done.stdout
        assert node.run("bridgedctl", "apply", timeout=120).returncode == 0
        assert node.bridge_data("br-lan")["stp_state"] == 0
    finally:
        product.start(node)
