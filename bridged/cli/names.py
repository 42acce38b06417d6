"""`bridgedctl names`: names of what is declared, one a line, for scripts and completion."""

import argparse

from bridged.cli.client import Failure, NoAgent, ask


def names(options: argparse.Namespace) -> int:
    """The names that the agent knows, or those of the state file where none answers."""
    try:
        found = _of_agent(options)
    except (NoAgent, Failure):
        found = _of_file(options)
    wanted = found if options.of == "objects" else _bridges(found)
    print("".join(f"{name}\n" for name in wanted), end="")
    return 0


def _bridges(objects: list[str]) -> list[str]:
    return [name.removeprefix("bridge/") for name in objects if name.startswith("bridge/")]


def _of_agent(options: argparse.Namespace) -> list[str]:
    document = ask(options.socket, "status", timeout=2.0)
    return [f"{item['kind']}/{item['name']}" for item in document["objects"]]


def _of_file(options: argparse.Namespace) -> list[str]:
    from bridged.desired.errors import StateError
    from bridged.desired.loader import load
    from bridged.desired.names import module_name, sysctl_key
    from bridged.desired.port import Vlan
    from bridged.observe.facts import facts_beside

    try:
        state = load(options.state, trusted=True, facts=facts_beside(options.state, True)).state
    except StateError as error:
        raise Failure(
            f"bridged does not answer, and {options.state} cannot be used",
            error.problems[0].remedy or f"bridgedctl validate {options.state}",
        ) from None
    found = [f"bridge/{name}" for name in state.bridges or {}]
    for _, _, port in state.ports():
        found.append(f"{'vlan' if isinstance(port, Vlan) else 'port'}/{port.device}")
    found += [f"module/{module_name(name)}" for name in state.modules or ()]
    found += [f"sysctl/{sysctl_key(path)}" for path in state.sysctls or {}]
    kept = state.kubernetes.files() if state.kubernetes is not None else ()
    return found + [f"file/{path}" for _, _, path in kept]
