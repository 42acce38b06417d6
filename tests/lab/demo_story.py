"""The demonstration as it is seen on the node: before, converged, and every drift repaired.

Runs inside a laboratory (see demo.py), where the root file system, the network and the kernel's
settings are its own.  Exit status 0: everything was repaired, 1: something was not.
"""

import argparse
import re
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from tests.lab.demo_drifts import BREAK, DMZ, LAN, MEND, WEB, Drift, chosen
from tests.lab.demo_guests import GUESTS, Guests, Traffic, plug_commands
from tests.lab.demo_links import Links
from tests.lab.demo_node import (
    Agent,
    Entry,
    converged,
    environment,
    install,
    wait_for_network_manager,
)
from tests.lab.demo_screen import Screen, duration, run
from tests.lab.demo_watch import Repair, Wanted, Watch

_CONFIG = Path(__file__).resolve().parents[2] / "config" / "state.yaml"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one drift; `seconds` None if it was not repaired."""

    name: str
    seconds: float | None
    by: str
    traffic: Traffic


class Story:
    """The scenes, in order."""

    def __init__(self, screen: Screen, vlan: bool, modules: bool, limit: float, rate: int) -> None:
        self._screen = screen
        self._vlan, self._modules = vlan, modules
        self._limit, self._rate = limit, rate
        self._agent = Agent()
        ports = {LAN: ("enp13s0f0",), WEB: ("enp13s0f0.6",), DMZ: ("enp13s0f3",)}
        if not vlan:
            del ports[WEB]
        self._wanted = Wanted(ports)
        self._outcomes: list[Outcome] = []

    def run(self) -> bool:
        """The whole story; whether everything was repaired."""
        self._before()
        guests: Guests | None = None
        if self._converge():
            guests = self._plug()
            try:
                for number, drift in enumerate(chosen(self._vlan, self._modules), 1):
                    self._cause(number, drift, guests)
                self._edit(guests)
            finally:
                guests.close()
            self._end()
        self._agent.stop()
        done = bool(self._outcomes) and all(o.seconds is not None for o in self._outcomes)
        return guests is not None and done

    # ------------------------------------------------------------------ how it becomes right

    def _before(self) -> None:
        screen = self._screen
        screen.title("The node as its owner finds it")
        screen.say(
            "Cards that NetworkManager has put on automatic profiles, and no bridge. "
            "enp8s0 is for administration; bridged must not touch it."
        )
        screen.line()
        screen.show("ip -brief link | cut -d'<' -f1")
        screen.show("nmcli -f NAME,DEVICE,STATE connection | grep -v ^lo")
        screen.title("What it is to have: /etc/bridged/state.yaml")
        text = _state(self._vlan, self._modules)
        install(text)
        for row in text.splitlines():
            if row.strip() and not row.lstrip().startswith("#"):
                screen.line("  " + row)
        screen.pause(4)
        screen.title("What bridged would do about it")
        screen.show("bridgedctl plan", lines=80)

    def _converge(self) -> bool:
        screen = self._screen
        screen.title("bridged starts")
        screen.command(self._agent.start_command)
        began = time.monotonic()
        self._agent.start()
        seconds = self._until_right(began)
        if seconds is None:
            links = Links()
            screen.say(f"NOT CONVERGED: {self._wanted.missing(links)}", "bad")
            screen.show("bridgedctl status")
            return False
        screen.fact("converged", f"{duration(seconds)} after the start of the process", "good")
        screen.line()
        deadline = time.monotonic() + self._limit
        while not converged() and time.monotonic() < deadline:
            time.sleep(0.2)
        screen.show("bridgedctl status")
        screen.say("The same in the words of ip and nmcli, which know nothing of bridged:")
        screen.line()
        screen.show("ip -brief link | cut -d'<' -f1")
        screen.show("bridge link | cut -d' ' -f2,6-9")
        screen.show("nmcli -f NAME,TYPE,DEVICE connection | grep -v ^lo")
        return True

    def _until_right(self, began: float) -> float | None:
        """Seconds from `began` until the kernel has what is wanted."""
        links = Links()
        try:
            while not self._wanted.right(links):
                if time.monotonic() - began > self._limit:
                    return None
                links.wait(0.05)
            return time.monotonic() - began
        finally:
            links.close()

    def _plug(self) -> Guests:
        screen = self._screen
        screen.title("Two guests are plugged in, as libvirt does it")
        for command in plug_commands(LAN):
            screen.command(command)
            run(command)
        self._wanted = replace(self._wanted, guests={LAN: tuple(GUESTS)})
        time.sleep(1)  # so that bridged has seen them before something happens to them
        guests = Guests(self._rate)
        time.sleep(2)
        traffic = guests.take()
        screen.fact(
            "guests",
            f"{traffic.sent} frames sent to each other in about 2 s, {traffic.lost} lost; "
            "they go on from here to the end",
        )
        screen.line()
        screen.show(f"bridgedctl status {LAN}")
        return guests

    # ------------------------------------------------------------------ how it goes wrong

    def _cause(self, number: int, drift: Drift, guests: Guests) -> None:
        screen = self._screen
        screen.title(f"{number}  {drift.name}")
        screen.say(drift.story)
        guests.take()
        self._agent.mark()
        watch = Watch(drift.watched(self._wanted), drift.files)
        screen.line()
        screen.command(drift.command)
        run(drift.command)
        repair = watch.repaired(self._limit)
        self._tell(drift.name, repair, self._journal(repair), guests.take())
        screen.fact("otherwise", drift.unaided, "dim")
        screen.pause(1.5)

    def _journal(self, repair: Repair) -> list[Entry]:
        """What bridged wrote about it: complete once it has looked again after the repair."""
        began = time.time() - time.monotonic() + (repair.began or time.monotonic())
        return self._agent.journal(began + (repair.seconds or 0.0), self._limit / 5)

    def _tell(self, name: str, repair: Repair, entries: list[Entry], traffic: Traffic) -> None:
        screen = self._screen
        by = "bridged" if any(e.event == "repaired" for e in entries) else "NetworkManager"
        if repair.began is None:
            screen.fact("unharmed", "nothing was ever seen to be wrong", "good")
        elif repair.seconds is None:
            links = Links()
            missing = self._wanted.missing(links)
            links.close()
            limit = duration(self._limit)
            screen.fact("NOT", f"repaired within {limit}: {missing or 'not as declared'}", "bad")
            by = "nobody"
        else:
            screen.fact("repaired", f"{duration(repair.seconds)} after the event", "good")
        for entry in entries:
            screen.fact("journal", entry.text, "dim")
        if not entries:
            screen.fact("journal", "nothing: NetworkManager was faster, and all was right again")
        screen.fact("guests", _said(traffic), "" if not traffic.lost else "key")
        seconds = 0.0 if repair.began is None else repair.seconds
        self._outcomes.append(Outcome(name, seconds, by, traffic))

    def _edit(self, guests: Guests) -> None:
        screen = self._screen
        screen.title(f"{len(self._outcomes) + 1}  state file broken, and mended")
        story, command = BREAK
        screen.say(story)
        guests.take()
        self._agent.mark()
        screen.command(command)
        began = time.time()
        run(command)
        entries = [e for e in self._agent.journal(began, self._limit) if e.event == "state_refused"]
        if not entries:
            screen.fact("NOT", f"noticed within {duration(self._limit)}", "bad")
            self._outcomes.append(Outcome("state file broken", None, "nobody", guests.take()))
            return
        screen.fact("noticed", f"{duration(max(entries[0].time - began, 0))} later", "good")
        screen.line()
        screen.show("bridgedctl status | head -n 10")
        links = Links()
        kept = self._wanted.right(links)
        links.close()
        screen.fact(
            "the node",
            "stays as the last good state has it" if kept else self._wanted.missing(links),
            "good" if kept else "bad",
        )
        screen.line()
        screen.say(MEND.story)
        self._agent.mark()
        watch = Watch(MEND.right, files=True)
        screen.command(MEND.command)
        saved = time.monotonic()
        run(MEND.command)
        seconds = self._until(watch, saved)
        repair = Repair(saved, seconds)
        self._tell(MEND.name, repair, self._journal(repair), guests.take())

    def _until(self, watch: Watch, saved: float) -> float | None:
        """Seconds from `saved` until what is watched became right."""
        deadline = saved + self._limit
        while time.monotonic() < deadline and not watch.became_right:
            time.sleep(0.01)
        watch.close()
        return watch.became_right - saved if watch.became_right else None

    def _end(self) -> None:
        screen = self._screen
        screen.title("What happened, and how it ended")
        screen.table(
            ("what happened", "repaired after", "by", "guests lost", "for"),
            [
                (
                    outcome.name,
                    _after(outcome.seconds),
                    outcome.by,
                    f"{outcome.traffic.lost} of {outcome.traffic.sent}",
                    duration(outcome.traffic.gap) if outcome.traffic.lost else "-",
                )
                for outcome in self._outcomes
            ],
            right={1, 3, 4},
        )
        screen.show("bridgedctl status")


def _after(seconds: float | None) -> str:
    if seconds is None:
        return "NOT REPAIRED"
    return duration(seconds) if seconds else "unharmed"


def _said(traffic: Traffic) -> str:
    text = f"{traffic.lost} of {traffic.sent} frames lost"
    return f"{text}, none arrived for {duration(traffic.gap)}" if traffic.lost else text


def _state(vlan: bool, modules: bool) -> str:
    """The reference state, less what this laboratory's kernel cannot have."""
    text = _CONFIG.read_text()
    if not vlan:
        text = re.sub(r"(?m)^  br-web:.*\n", "", text)
    if not modules:
        text = re.sub(r"(?m)^modules:.*\n", "", text)
    if not modules and not Path("/proc/sys/net/bridge").is_dir():
        text = re.sub(r"(?m)^  net[./]bridge.*\n", "", text)
    return text


def main() -> int:
    """Tell the story; the exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--colour", action="store_true")
    parser.add_argument("--no-vlan", action="store_true")
    parser.add_argument("--no-modules", action="store_true")
    parser.add_argument("--limit", type=float, default=15.0, help="seconds for a repair")
    parser.add_argument("--rate", type=int, default=500, help="frames a second, each direction")
    options = parser.parse_args()
    environment()
    screen = Screen(options.fast, colour=options.colour)
    wait_for_network_manager(options.limit)
    story = Story(screen, not options.no_vlan, not options.no_modules, options.limit, options.rate)
    try:
        return 0 if story.run() else 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
