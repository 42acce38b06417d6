"""The options of `import`, `export` and `render`.  Light: the parser is made for every command."""

import argparse
from collections.abc import Callable


def add_commands(
    command: Callable[[str, str], argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    """Add the commands; `command` makes one by its name and help, with the options of `common`."""
    imports = command("import", "write a state file for what this host, or an nmstate file, has")
    imports.add_argument(
        "--from", dest="source", choices=("host", "nmstate", "nncp"), default="host",
        help="nmstate: its YAML; nncp: NodeNetworkConfigurationPolicies; without it, this host",
    )  # fmt: skip
    imports.add_argument("file", nargs="?", metavar="FILE", help="what to read, - for stdin")
    imports.add_argument("-o", "--output", metavar="FILE", help="write it there, not to stdout")
    imports.add_argument("--force", action="store_true", help="also over a file that is there")

    export = command("export", "print the bridges of the state file for nmstate")
    export.add_argument("--format", choices=("nmstate", "nncp"), default="nmstate")
    export.add_argument("--name", default="bridged", help="nncp: name of the policy (bridged)")
    export.add_argument("--node", default="", help="nncp: for this node only")

    renders = command("render", "print what the state file says for Kubernetes")
    kinds = renders.add_subparsers(
        dest="what", metavar="KIND", required=True, parser_class=type(renders)
    )
    text = "Multus NetworkAttachmentDefinitions"
    render = kinds.add_parser("nad", help=text, description=text, parents=[common])
    render.add_argument("bridges", nargs="*", metavar="BRIDGE", help="these only, not all")
    render.add_argument("--namespace", default="", metavar="NS")
    render.add_argument("--vlan", type=_vlan, default=0, metavar="ID", help="guests are in it")
    render.add_argument(
        "--type", dest="plugin", choices=("bridge", "cnv-bridge"), default="bridge",
        help="name of the CNI plugin",
    )  # fmt: skip
    render.add_argument(
        "--macspoofchk", action="store_true", help="drop frames from other hardware addresses"
    )
    for what, text in (
        ("kubeadm", "kubeadm.conf, from the section kubernetes"),
        ("cilium", "cilium-values.yaml, from the section kubernetes"),
    ):
        kinds.add_parser(what, help=text, description=text, parents=[common])


def _vlan(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:5]) <= 4094:
        raise argparse.ArgumentTypeError(f"{text!r} is not a VLAN id from 1 to 4094")
    return int(text)
