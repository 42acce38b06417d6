"""The metrics of a real agent: what the kernel has, and over TLS with a token."""

import trustme
from prometheus_client.parser import text_string_to_metric_families

from tests.lab.netns import NetnsLab
from tests.lab.node import WIRE, far, wait_until
from tests.netns.agent import LAN_NIC, LAYOUT, agent_on

TOKEN = "0123456789abcdef0123456789abcdef"
WEB = "/etc/bridged/web.yaml"
_SCRAPE = """
import ssl, sys
from urllib.request import Request, urlopen
url, token = sys.argv[1:]
context = ssl.create_default_context(cafile="/etc/bridged/ca.crt") if "https" in url else None
request = Request(url, headers={"Authorization": f"Bearer {token}"})
print(urlopen(request, timeout=10, context=context).read().decode())
"""
_FRAME = """
import socket, sys
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind((sys.argv[1], 0))
wire.send(bytes.fromhex("ffffffffffff" "020000000077" "88b5") + bytes(46))
"""


def renew(lab: NetnsLab) -> None:
    """A new authority and a certificate of it for the node: the key first, as many tools do."""
    authority = trustme.CA()
    made = authority.issue_cert("127.0.0.1")
    lab.write("/etc/bridged/node.key", made.private_key_pem.bytes().decode(), 0o600, replace=True)
    lab.write("/etc/bridged/node.crt", made.cert_chain_pems[0].bytes().decode(), replace=True)
    lab.write("/etc/bridged/ca.crt", authority.cert_pem.bytes().decode())


def scrape(lab: NetnsLab, url: str, token: str = TOKEN) -> dict[tuple[str, str, str], float]:
    """(metric, link or bridge, outcome) -> value; empty where nothing was answered."""
    text = lab.run("python3", "-c", _SCRAPE, url, token, check=False).stdout
    return {
        (
            sample.name,
            sample.labels.get("link") or sample.labels.get("bridge", ""),
            sample.labels.get("outcome", ""),
        ): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_links_as_the_kernel_has_them(lab: NetnsLab) -> None:
    url = "http://127.0.0.1:9999/metrics"
    with agent_on(lab, "--metrics", "127.0.0.1:9999") as agent:
        agent.converge(LAYOUT)
        lab.run("python3", "-c", _FRAME, far(LAN_NIC), netns=WIRE)
        agent.next_pass()
        forwarding = ("bridged_link_stp_state", LAN_NIC, "")
        learned = ("bridged_bridge_fdb_entries", "br-lan", "")
        wait_until(lambda: scrape(lab, url)[forwarding] == 3, 10)
        wait_until(lambda: scrape(lab, url)[learned] >= 1, 10)
        series = scrape(lab, url)
        assert series["bridged_link_operational", LAN_NIC, ""] == 1
        assert series["bridged_checkpoints_total", "", "kept"] >= 1
        assert series["bridged_state_file_modified_timestamp_seconds", "", ""] > 1e9


def test_over_tls_with_a_token_and_a_certificate_that_is_renewed(lab: NetnsLab) -> None:
    url = "https://127.0.0.1:9999/metrics"
    renew(lab)
    lab.write("/etc/bridged/token", TOKEN, 0o600)
    lab.write(
        WEB,
        "tls_server_config: {cert_file: node.crt, key_file: node.key}\nbearer_token_file: token\n",
    )
    with agent_on(lab, "--metrics", "127.0.0.1:9999", "--web-config", WEB) as agent:
        agent.converge(LAYOUT)
        up = ("bridged_networkmanager_up", "", "")
        assert scrape(lab, url)[up] == 1
        assert scrape(lab, url, token="wrong" * 8) == {}
        assert scrape(lab, "http://127.0.0.1:9999/metrics") == {}
        renew(lab)
        assert scrape(lab, url)[up] == 1, "by the new certificate, without a restart"
        lab.write(WEB, "tls_server_config: {cert_file: node.crt}\n")
        wait_until(lambda: "web-config" in str(agent.status()["findings"]), 10)
        assert scrape(lab, url)[up] == 1, "the former one stays in force"
