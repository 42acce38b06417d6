"""The page as it is served."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from http.client import HTTPConnection, HTTPResponse

import pytest

from bridged.report import Report, as_json
from bridged.serve.http import HttpServer
from bridged.telling.sentences import headline
from bridged.view.page import page_text
from tests.unit.serve.reports import AS_DESIRED, BROKEN, CONTENDED, DRIFTING, NOW
from tests.unit.view.test_pictures import HOSTILE, crowded, hostile
from tests.unit.view.test_topology import many

Get = Callable[..., tuple[HTTPResponse, str]]


class Reader(HTMLParser):
    """The texts and tags of a page; ids that come twice fail."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._inside = ""
        self.feed(text)
        ids = [found["id"] for _, found in self.tags if "id" in found]
        assert len(ids) == len(set(ids))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self._inside not in {"style", "script"}:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def read(report: Report) -> Reader:
    return Reader(page_text(as_json(report), NOW))


@pytest.fixture
def get() -> Iterator[Get]:
    state: dict[str, Report | None] = {"report": AS_DESIRED}
    server = HttpServer(lambda: state["report"], lambda: 1.0, version="1", port=0)
    server.start()

    def ask(
        path: str = "/", *, method: str = "GET", report: Report | None = AS_DESIRED, **headers: str
    ) -> tuple[HTTPResponse, str]:
        state["report"] = report
        connection = HTTPConnection(*server.address, timeout=5)
        connection.request(method, path, headers={"Accept": "text/html,*/*;q=0.8", **headers})
        response = connection.getresponse()
        body = response.read().decode()
        connection.close()
        return response, body

    yield ask
    server.stop()


@pytest.mark.parametrize("report", [AS_DESIRED, DRIFTING, CONTENDED, BROKEN])
def test_the_headline_is_that_of_the_command(report: Report) -> None:
    document = as_json(report)
    sentence, _ = headline(document, document["objects"], NOW)
    page = read(report)
    assert sentence in page.text.replace(" :", ":")
    assert ("title", {}) in page.tags


def test_what_is_wrong_stands_with_values_reason_and_remedy() -> None:
    text = read(CONTENDED).text
    for said in (
        "port enp13s0f3 blocked for 2 h: cannot be done until somebody acts",
        "property should be kernel NetworkManager bridge br-dmz in no bridge –",
        "there is no interface enp13s0f3; present are enp13s0f3np3, enp13s0f0",
        "correct the name in the state file, or plug the card in",
        "next in 28 s",
        "vlan-injection guests on br-lan can send frames tagged 6 into br-web",
        "activate the profile of enp13s0f3 NetworkManager: no suitable device found",
        "set br_stp_state=0 on br-lan repaired in 4 ms",
        "br-dmz as desired · up enp13s0f3 blocked · missing no guests",
    ):
        assert said in text, said


def test_a_broken_state_file_is_shown_with_its_place() -> None:
    page = read(BROKEN)
    assert "has errors; the last good state stays in force" in page.text
    assert "/etc/bridged/state.yaml:4:12" in page.text
    assert "correct it and save" in page.text
    assert "the last good one, for the file has errors" in page.text
    assert "ab" * 32 in page.text


def test_what_bridged_stands_on_and_changes_on_trial() -> None:
    gone = replace(AS_DESIRED, network_manager_available=False, network_manager="no bus")
    assert "no bus: profiles are neither read nor repaired" in read(gone).text
    assert "unless you say: bridgedctl confirm" in read(replace(gone, confirm_by=NOW + 9)).text


def test_state_is_never_told_by_colour_alone() -> None:
    """Every symbol has a word beside it, and is itself nothing to be read out."""
    page = page_text(as_json(CONTENDED), NOW)
    for found in re.finditer(r'<svg class="icon"([^>]*)>', page):
        assert 'aria-hidden="true"' in found[1]
    assert len(re.findall(r'<span class="state \w+"><svg', page)) > 10
    assert not re.findall(r'<span class="state \w+"><svg.*?</svg></span>', page)


def test_landmarks_and_table_heads() -> None:
    page = read(CONTENDED)
    tags = [tag for tag, _ in page.tags]
    for landmark in ("header", "main", "footer", "h1"):
        assert tags.count(landmark) == 1
    assert all(found.get("scope") == "col" for tag, found in page.tags if tag == "th")
    assert tags.count("caption") == tags.count("table")
    titles = {found["id"] for tag, found in page.tags if tag == "h2"}
    labels = {found["aria-labelledby"] for tag, found in page.tags if "aria-labelledby" in found}
    assert labels == titles


def test_names_that_look_like_markup_stay_names() -> None:
    plain, evil = read(AS_DESIRED), read(hostile())
    shown = HOSTILE.replace("\x1b", "\\x1b")
    assert shown in evil.text
    assert [tag for tag, _ in evil.tags if tag == "script"] == ["script"]
    assert {key for _, found in evil.tags for key in found} == {
        key for _, found in plain.tags for key in found
    }
    problems = replace(BROKEN.state, problems=(HOSTILE,), path=HOSTILE)
    assert [tag for tag, _ in read(replace(BROKEN, state=problems)).tags].count("script") == 1


def test_much_is_folded() -> None:
    assert "+76 more bridges" in read(many(100)).text
    assert "+37 more" in read(crowded()).text
    text = page_text(as_json(many(1000)), NOW)
    assert "br998" in text
    assert len(text) < 400_000


def test_nothing_from_outside_and_nothing_inline_but_what_is_hashed(get: Get) -> None:
    response, body = get()
    assert response.status == 200
    assert response.getheader("Content-Type") == "text/html; charset=utf-8"
    policy = response.getheader("Content-Security-Policy", "")
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    page = Reader(body)
    for tag, found in page.tags:
        assert not [key for key in found if key.startswith("on") or key == "style"], tag
        for key in ("src", "href"):
            assert (found.get(key) or "/").startswith(("/", "data:image/svg+xml,"))
    assert response.getheader("X-Frame-Options") == "DENY"
    assert response.getheader("Cache-Control") == "no-store"


def test_it_only_tells(get: Get) -> None:
    assert get(method="POST")[0].status == 405
    assert get("/api/status", method="DELETE")[0].status == 405
    response, body = get(method="HEAD")
    assert (response.status, body) == (200, "")
    assert "<form" not in get()[1]


@pytest.mark.parametrize("path", ["/", "/api/status"])
@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("localhost:9947", 200),
        ("127.0.0.1:1", 200),
        ("[::1]:9947", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example:9947", 421),
        ("localhost.evil.example", 421),
        ("192.0.2.1", 421),
        ("[", 421),
    ],
)
def test_a_name_that_somebody_points_at_loopback_gets_nothing(
    get: Get, path: str, host: str, status: int
) -> None:
    response, body = get(path, Host=host)
    assert response.status == status
    assert ("node1" in body) == (status == 200)


def test_the_report_as_json(get: Get) -> None:
    response, body = get("/api/status", Accept="*/*")
    assert response.getheader("Content-Type", "").startswith("application/json")
    assert json.loads(body) == json.loads(json.dumps(as_json(AS_DESIRED)))


def test_before_the_first_pass(get: Get) -> None:
    response, body = get(report=None)
    assert response.status == 200
    assert "first look" in Reader(body).text
    assert get("/api/status", report=None)[0].status == 503


def test_a_report_that_cannot_be_told_is_a_500_and_not_the_end(get: Get) -> None:
    assert get(report="nonsense")[0].status == 500
    assert get()[0].status == 200
