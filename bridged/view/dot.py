"""The topology as text for Graphviz: ``bridgedctl graph --format dot | dot -Tpdf``.  Pure."""

from bridged.view.topology import Mark, Topology, shown

_GUESTS = 8
_SYMBOL = {"ok": "✓", "warn": "!", "bad": "✗"}
_LOOK = {
    "ok": 'color="#1a7f4b"',
    "warn": 'color="#9a6700", penwidth=2',
    "bad": 'color="#b42318", penwidth=3',
}
_LINK = {"up": "solid", "no carrier": "dashed"}


def dot_text(whole: Topology) -> str:
    """A digraph from cards to guests.  Colour and width only repeat what the labels say."""
    lines = [
        f"digraph {_quoted(whole.hostname)} {{",
        "  rankdir=LR;",
        '  node [shape=box, style=rounded, fontname="sans-serif"];',
        "  edge [dir=none];",
    ]
    for card in whole.cards:
        lines.append(_node("card", card.name, card.mark, card.said))
    for bridge in whole.bridges:
        for port in bridge.ports:
            if port.vlan:
                lines.append(_node("vlan", port.name, port.mark, port.said))
        lines.append(_node("bridge", bridge.name, bridge.mark, bridge.said))
    for bridge in whole.bridges:
        for port in bridge.ports:
            style = _LINK.get(port.link, "dotted") if port.plugged else "dotted"
            label = "" if port.plugged else ', label="not plugged in"'
            end = f"{'vlan' if port.vlan else 'card'}:{port.name}"
            if port.vlan and port.card:
                lines.append(f"  {_quoted(f'card:{port.card}')} -> {_quoted(end)};")
            target = _quoted(f"bridge:{bridge.name}")
            lines.append(f"  {_quoted(end)} -> {target} [style={style}{label}];")
        guests, more = shown(bridge.guests, _GUESTS)
        words = [f"{guest.name}{'' if guest.up else ' (down)'}" for guest in guests]
        words += [f"+{more} more"] if more else []
        if words:
            name = _quoted(f"guests:{bridge.name}")
            label = "\\n".join(map(_escaped, words))
            lines.append(f'  {name} [label="{label}", style="rounded,dashed"];')
            lines.append(f"  {_quoted(f'bridge:{bridge.name}')} -> {name};")
    return "\n".join([*lines, "}"]) + "\n"


def _node(kind: str, name: str, mark: Mark, said: str) -> str:
    label = f"{_SYMBOL[mark]} {_escaped(name)}\\n{_escaped(said)}"
    return f'  {_quoted(f"{kind}:{name}")} [label="{label}", {_LOOK[mark]}];'


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    """For the inside of a quoted string; a backslash would begin an escape of Graphviz's own."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
