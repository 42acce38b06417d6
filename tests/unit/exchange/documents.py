"""nmstate documents as people write them."""

from typing import Any

import yaml

REALISTIC = (
    """
interfaces:
- name: br1
  type: linux-bridge
  state: up
  ipv4: {enabled: false, dhcp: false}
  ipv6: {enabled: false}
  bridge:
    options: {stp: {enabled: false}}
    port: [{name: eth1}]
""",
    """
---
interfaces:
  - name: eth1
    state: up
    mtu: "9000"
  - name: linux-br0
    type: linux-bridge
    mac-address: 52:54:00:12:34:56
    mtu: 9000
    bridge:
      options:
        group-forward-mask: 16384
        mac-ageing-time: 60
        multicast-snooping: no
        multicast-router: disabled
        stp: {enabled: yes, forward-delay: 15, hello-time: 2, max-age: 20, priority: 4096}
      port:
        - {name: eth1, stp-hairpin-mode: false, stp-path-cost: 50, stp-priority: 12}
""".replace("no\n", "false\n").replace("yes", "true"),
    """
interfaces:
- name: eth1.100
  type: vlan
  description: the servers
  profile-name: servers
  vlan: {base-iface: eth1, id: 100, protocol: 802.1q, reorder-headers: true}
- name: dmz
  type: vlan
  state: up
  mtu: 1400
  vlan: {base-iface: eth1, id: 7, loose-binding: true, registration-protocol: mvrp}
- name: br-web
  type: linux-bridge
  bridge: {ports: [{name: eth1.100}, {name: dmz}]}
""",
    """
interfaces:
- name: br-trunk
  type: linux-bridge
  state: up
  bridge:
    options: {vlan-protocol: 802.1ad, vlan-default-pvid: 5}
    port:
    - name: eth1
      vlan:
        mode: trunk
        trunk-tags: [{id: 101}, {id: 103}, {id-range: {min: 500, max: 599}}]
        tag: 100
        enable-native: true
    - name: eth2
      vlan: {mode: access, tag: 33}
    - name: eth3
      vlan: {mode: trunk, trunk-tags: [{id-range: {min: 1, max: 4094}}]}
- name: eth2
  type: ethernet
  ethtool: {feature: {rx-gro: false, rx-vlan-hw-parse: true}}
""",
)
"""All of it can be carried over."""

EVERYTHING: dict[str, Any] = yaml.load(
    """
description: the lot
dns-resolver: {}
routes: {config: [{destination: 0.0.0.0/0, next-hop-address: 192.0.2.1}]}
interfaces:
- name: eth0
  type: ethernet
  ipv4: {enabled: true, dhcp: true}
- name: eth1
  type: ethernet
  state: up
  mtu: 9000
  min-mtu: 68
  ethtool: {feature: {rx-gro: false, tx-tcp-segmentation: false}, ring: {rx: 256}}
  ipv4: {enabled: true, address: [{ip: 10.0.0.2, prefix-length: 24}]}
- name: eth1.100
  type: vlan
  vlan: {base-iface: eth1, id: "100", registration-protocol: gvrp}
- name: bond0
  type: bond
  link-aggregation: {mode: active-backup, port: [eth8, eth9]}
- name: br1
  type: linux-bridge
  mac-address: 52:54:00:12:34:56
  ipv4: {enabled: true, address: [{ip: 10.0.0.1, prefix-length: 24}]}
  lldp: {enabled: true}
  accept-all-mac-addresses: false
  bridge:
    options:
      group-addr: 01:80:C2:00:00:00
      hash-max: 1
      gc-timer: 100
      stp: {enabled: false, priority: 70000}
    port:
    - name: eth1
      stp-path-cost: 10
      vlan:
        mode: trunk
        trunk-tags: [{id: 101}, {id-range: {min: 500, max: 599}}]
        tag: 100
        enable-native: true
    - {name: bond0}
- name: br2
  type: linux-bridge
  bridge: {options: {}, port: [{name: eth1.100}]}
- {name: old, type: linux-bridge, state: absent}
""",
    Loader=yaml.BaseLoader,
)
"""Much of it cannot."""

SHOWN = """
hostname: {}
routes: {running: [], config: []}
interfaces:
- {name: lo, type: loopback, state: up, mtu: 65536, ipv4: {enabled: true}}
- name: enp13s0f0
  profile-name: br-lan-slave-1
  type: ethernet
  driver: igb
  state: up
  identifier: name
  permanent-mac-address: 9A:91:53:6C:67:DA
  mtu: 1500
  min-mtu: 68
  max-mtu: 9216
  wait-ip: any
  ipv4: {enabled: false}
  ipv6: {enabled: false}
  mptcp: {address-flags: []}
  accept-all-mac-addresses: false
  lldp: {enabled: false}
- name: br-lan
  type: linux-bridge
  state: up
  mac-address: 9A:91:53:6C:67:DA
  mtu: 1500
  min-mtu: 68
  max-mtu: 65535
  wait-ip: any
  ipv4: {enabled: false}
  ipv6: {enabled: false}
  bridge:
    options:
      gc-timer: 29594
      group-addr: 01:80:C2:00:00:00
      group-forward-mask: 0
      group-fwd-mask: 0
      hash-max: 4096
      hello-timer: 46
      mac-ageing-time: 300
      multicast-last-member-count: 2
      multicast-last-member-interval: 100
      multicast-membership-interval: 26000
      multicast-querier: false
      multicast-querier-interval: 25500
      multicast-query-interval: 12500
      multicast-query-response-interval: 1000
      multicast-query-use-ifaddr: false
      multicast-router: auto
      multicast-snooping: true
      multicast-startup-query-count: 2
      multicast-startup-query-interval: 3124
      stp: {enabled: false, forward-delay: 15, hello-time: 2, max-age: 20, priority: 32768}
      vlan-protocol: 802.1q
    port:
    - {name: enp13s0f0, stp-hairpin-mode: false, stp-path-cost: 100, stp-priority: 32}
"""

POLICY = """
apiVersion: nmstate.io/v1
kind: NodeNetworkConfigurationPolicy
metadata: {name: br1-eth1}
spec:
  nodeSelector: {kubernetes.io/hostname: node1}
  capture: {default-gw: 'routes.running.destination=="0.0.0.0/0"'}
  maxUnavailable: 3
  desiredState:
    interfaces:
    - name: br1
      type: linux-bridge
      state: up
      bridge: {options: {stp: {enabled: false}}, port: [{name: eth1}]}
"""
