"""The list of cases, signing in, accounts and guided placing, in a browser, without a server."""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import expect

from page_fake import ORIGIN, Asked, FakeServer
from palpate.protocols.protocol import read_protocol
from palpate.serve.protocol_json import protocol_json

SESSION = {
    "name": "rita",
    "title": "Prof. Rita Reviewer",
    "role": "reviewer",
    "csrf": "first",
    "expires": "",
}
PROJECT = {
    "id": "necks",
    "name": "Necks",
    "protocol": "cervical 1",
    "blinded": False,
    "assisted": True,
    "landmarks": 29,
    "cases": 120,
    "new": 70,
    "open": 30,
    "signed": 20,
}


def row(number: int, **changes: Any) -> dict[str, Any]:
    """A case of the queue."""
    return {
        "id": f"case-{number:012d}",
        "image": f"film {number}",
        "subject": f"s{number}",
        "group": "lateral",
        "state": "new",
        "class_change": 0.384,
        "width": 0.91,
        "implausible": None,
        "reasons": ["C2-C7 Cobb is near its limit", "the shape is unusual"],
        "frames": 1,
        "readers": [],
        "signed_by": "",
        "updated": "",
        **changes,
    }


HEADERS = [
    "Case",
    "Look at it because",
    "Other class",
    "Uncertainty",
    "Unusual shape",
    "State",
    "Last change",
]
ROWS = [row(n) for n in range(120)]


def paged(asked: Asked) -> tuple[int, Any]:
    """As the server does: filtered, then from 'after' on."""
    found = [each for each in ROWS if asked.query.get("search", "") in each["image"]]
    if asked.query.get("state"):
        found = [each for each in found if each["state"] == asked.query["state"]]
    start = int(asked.query.get("after") or 0)
    end = start + int(asked.query["limit"])
    following = str(end) if end < len(found) else ""
    return 200, {"rows": found[start:end], "total": len(found), "next": following}


def usual(**changes: Any) -> FakeServer:
    """A server with a project of 120 cases and a reviewer signed in."""
    return FakeServer(
        {
            ("GET", "/api/session"): (200, {**SESSION, **changes}),
            ("GET", "/api/projects"): (200, [PROJECT]),
            ("GET", "/api/projects/necks/queue"): paged,
        }
    )


Opener = Callable[..., Any]


@pytest.fixture(scope="module")
def shared(chromium: Any) -> Iterator[Any]:
    """One page for the module: opening one costs more than most tests."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    yield context.new_page()
    context.close()


@pytest.fixture
def opened(shared: Any) -> Iterator[Opener]:
    """Open a path on a server; whatever a script complains of fails the test."""
    troubles: list[str] = []
    page = shared

    def complained(message: Any) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            troubles.append(message.text)

    def thrown(error: Any) -> None:
        troubles.append(str(error))

    page.on("console", complained)
    page.on("pageerror", thrown)

    def open_at(server: FakeServer, path: str) -> Any:
        server.attach(page)
        page.goto(ORIGIN + path)
        return page

    yield open_at
    page.evaluate("sessionStorage.clear()")
    page.goto("about:blank")
    page.unroute_all(behavior="ignoreErrors")
    page.remove_listener("console", complained)
    page.remove_listener("pageerror", thrown)
    page.set_viewport_size({"width": 1280, "height": 800})
    assert not troubles


def queue_asked(server: FakeServer) -> list[dict[str, str]]:
    """Queries of the queue so far."""
    return [asked.query for asked in server.asked if asked.path.endswith("/queue")]


# --- the list ------------------------------------------------------------------------------------


def test_the_list_says_why_and_how_much_in_words(opened: Opener) -> None:
    page = opened(usual(), "/")
    table = page.get_by_role("table", name="Cases of Necks, 1 to 50 of 120")
    headers = table.get_by_role("columnheader")
    expect(headers).to_have_text(HEADERS)
    expect(headers.nth(1)).to_have_attribute("aria-sort", "descending")
    first = table.get_by_role("row").nth(1)
    expect(first.get_by_role("rowheader")).to_contain_text("film 0")
    cells = first.get_by_role("cell")
    expect(cells.nth(0)).to_contain_text("C2-C7 Cobb is near its limit")
    expect(cells.nth(1)).to_have_text("38 %")
    expect(cells.nth(2)).to_have_text("91 % are surer")
    expect(cells.nth(3)).to_contain_text("not known")
    expect(cells.nth(4)).to_contain_text("new")
    # The bar is as long as the number says.
    share = page.evaluate(
        "() => { const bar = document.querySelector('#rows .bar');"
        "return bar.firstElementChild.offsetWidth / bar.offsetWidth; }"
    )
    assert share == pytest.approx(0.384, abs=0.02)
    expect(page.get_by_role("link", name="Start with the first")).to_have_attribute(
        "href", "/case/case-000000000000"
    )


def test_the_keyboard_alone_goes_through_the_list(opened: Opener) -> None:
    page = opened(usual(), "/")
    page.locator("#rows tr").first.wait_for()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search")).to_be_focused()
    page.keyboard.type("film 1")
    expect(page.locator("#rows tr")).to_have_count(31)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("link", name="film 10", exact=True)).to_be_focused()
    page.keyboard.press("End")
    expect(page.get_by_role("link", name="film 119")).to_be_focused()
    assert "film" not in page.url  # what is searched for may be a person
    page.route("**/case/*", lambda route: route.fulfill(body="<h1>the case</h1>"))
    page.keyboard.press("Enter")
    page.wait_for_url(f"{ORIGIN}/case/case-000000000119")


def test_sorting_and_filters_ask_from_the_top(opened: Opener) -> None:
    server = usual()
    page = opened(server, "/")
    page.get_by_role("button", name="Next page").click()
    page.get_by_role("button", name="Case", exact=True).click()
    header = page.get_by_role("columnheader", name="Case", exact=True)
    expect(header).to_have_attribute("aria-sort", "ascending")
    assert queue_asked(server)[-1] == {"order": "image", "limit": "50"}
    page.get_by_role("button", name="Open 30").click()
    expect(page.get_by_text("No case is open.")).to_be_visible()
    expect(page.get_by_role("button", name="Open 30")).to_have_attribute("aria-pressed", "true")
    assert {"order": "image", "limit": "50", "state": "open"} in queue_asked(server)
    page.get_by_role("button", name="Show all cases").click()
    expect(page.locator("#rows tr")).to_have_count(50)


def test_a_reload_keeps_page_and_case(opened: Opener) -> None:
    page = opened(usual(), "/")
    page.get_by_role("button", name="Next page").click()
    expect(page.locator("#range")).to_have_text("51 to 100 of 120")
    expect(page.get_by_role("link", name="film 50")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.reload()
    expect(page.locator("#range")).to_have_text("51 to 100 of 120")
    expect(page.get_by_role("link", name="film 51")).to_be_focused()
    page.get_by_role("button", name="Previous page").click()
    expect(page.get_by_role("link", name="film 0")).to_be_focused()
    expect(page.get_by_role("button", name="Previous page")).to_be_disabled()


def test_a_server_that_is_away_is_named_and_tried_again(opened: Opener) -> None:
    server = usual()
    server.answers["GET", "/api/projects/necks/queue"] = (0, None)
    page = opened(server, "/")
    expect(page.get_by_role("alert")).to_contain_text("The server does not answer.")
    server.answers["GET", "/api/projects/necks/queue"] = paged
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#rows tr")).to_have_count(50)
    expect(page.locator("#trouble")).to_be_empty()


def test_an_answer_that_comes_late_does_not_undo_a_later_one(opened: Opener) -> None:
    page = opened(usual(), "/")
    page.locator("#rows tr").first.wait_for()
    page.evaluate(
        """() => { const real = window.fetch; window.fetch = async (path, how) => {
          const answer = await real(path, how);
          if (path.includes("search=slow")) {
            document.body.dataset.held = "yes";
            await new Promise((go) => { window.release = go; });
          }
          return answer;
        }; }"""
    )
    page.get_by_role("searchbox").fill("slow")
    expect(page.locator("body")).to_have_attribute("data-held", "yes")
    page.get_by_role("searchbox").fill("film 1")
    expect(page.locator("#rows tr")).to_have_count(31)
    page.evaluate("window.release()")
    page.evaluate("new Promise((go) => setTimeout(go, 100))")  # time enough to be wrong
    expect(page.locator("#rows tr")).to_have_count(31)
    expect(page.get_by_role("searchbox")).to_have_value("film 1")


def test_text_of_films_is_never_markup(opened: Opener) -> None:
    server = usual()
    bad = row(1, image="<img src=x onerror=alert(1)>", reasons=["<b>why</b>"])
    server.answers["GET", "/api/projects/necks/queue"] = (
        200,
        {"rows": [bad], "total": 1, "next": ""},
    )
    page = opened(server, "/")
    expect(page.get_by_role("link", name="<img src=x onerror=alert(1)>")).to_be_visible()
    assert page.locator("#rows img, #rows b").count() == 0


def test_films_are_added_each_with_its_outcome(opened: Opener) -> None:
    server = usual()
    answers = iter(
        [
            (201, {"added": [row(500, image="a.dcm")], "refused": {}}),
            (413, {"code": "too-large", "sentence": "a request is at most 4 MiB"}),
            (201, {"added": [], "refused": {"c.svg": "drawings may hold programs"}}),
        ]
    )
    server.answers["POST", "/api/projects/necks/films"] = lambda asked: next(answers)
    page = opened(server, "/")
    page.get_by_role("button", name="Add films").click()
    files = [{"name": n, "mimeType": "x/y", "buffer": b"1"} for n in ("a.dcm", "b.dcm", "c.svg")]
    page.get_by_label("Films", exact=True).set_input_files(files)
    outcomes = page.locator(".outcomes li")
    expect(outcomes).to_have_text(
        ["a.dcmadded", "b.dcma request is at most 4 MiB", "c.svgdrawings may hold programs"]
    )
    expect(page.get_by_role("dialog").get_by_role("status")).to_have_text("1 added, 2 refused")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_labels_are_downloaded_by_a_reviewer_only(opened: Opener) -> None:
    server = usual()
    server.answers["GET", "/api/projects/necks/labels"] = (200, b"image,x\n")
    page = opened(server, "/")
    page.get_by_role("button", name="Download labels").click()
    with page.expect_download() as got:
        page.get_by_role("button", name="Download", exact=True).click()
    assert got.value.suggested_filename == "landmarks.csv"
    assert got.value.path().read_bytes() == b"image,x\n"
    page = opened(usual(role="reader"), "/")
    page.locator("#rows tr").first.wait_for()
    expect(page.get_by_role("button", name="Download labels")).to_be_hidden()
    expect(page.get_by_role("button", name="Add films")).to_be_hidden()


# --- requests ------------------------------------------------------------------------------------


def test_a_session_that_is_over_leads_to_sign_in_and_back(opened: Opener) -> None:
    server = FakeServer(
        {("GET", "/api/session"): (401, {"code": "signed-out", "sentence": "not signed in"})}
    )
    page = opened(server, "/accounts")
    page.wait_for_url(f"{ORIGIN}/sign-in#/accounts")
    expect(page.get_by_role("status")).to_contain_text("Your session is over.")
    server.answers["POST", "/api/session"] = server.answers["GET", "/api/session"] = (200, SESSION)
    page.get_by_label("Name").fill("rita")
    page.get_by_label("Password").fill("a long enough password")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{ORIGIN}/accounts")
    expect(page.get_by_role("alert")).to_contain_text("kept by an administrator")


def test_changes_carry_the_token_of_the_session(opened: Opener) -> None:
    server = usual()
    tokens: list[str] = []

    def posted(asked: Asked) -> tuple[int, Any]:
        tokens.append(asked.headers.get("x-csrf-token", ""))
        if tokens[-1] == "first":
            server.answers["GET", "/api/session"] = (200, {**SESSION, "csrf": "second"})
            return 403, {"code": "csrf", "sentence": "load it again"}
        return 200, {"fine": True}

    server.answers["POST", "/api/thing"] = posted
    page = opened(server, "/help")
    answer = page.evaluate(
        "import('/page/js/api.js').then(({ api }) => api.post('/api/thing', { a: 1 }))"
    )
    assert answer == {"fine": True}
    assert tokens == ["first", "second"]


# --- signing in ----------------------------------------------------------------------------------


def test_wrong_passwords_are_told_and_too_many_must_wait(opened: Opener, shared: Any) -> None:
    server = FakeServer(
        {
            ("POST", "/api/session"): (
                401,
                {"code": "wrong", "sentence": "name and password do not belong together"},
            )
        }
    )
    shared.clock.install()
    page = opened(server, "/sign-in")
    expect(page.get_by_label("Name")).to_be_focused()
    for name, words in (("Name", "rita"), ("Password", "wrong")):
        page.get_by_label(name).fill(words)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("name and password do not belong together")
    expect(page.get_by_label("Password")).to_be_focused()
    server.answers["POST", "/api/session"] = (429, {"code": "too-many", "sentence": "too many"})
    page.keyboard.type("wrong again")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("too many")
    expect(page.get_by_role("button")).to_be_disabled()
    page.clock.run_for(1500)
    expect(page.get_by_role("button")).to_have_text("Sign in (in 0:02)")
    page.clock.run_for(2000)
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_enabled()


def test_a_link_that_is_no_longer_valid_is_named(opened: Opener) -> None:
    page = opened(FakeServer(), "/sign-in?reason=token")
    expect(page.get_by_role("status")).to_contain_text("This link is no longer valid")
    assert page.url == f"{ORIGIN}/sign-in"


def test_the_way_back_stays_in_the_application(opened: Opener) -> None:
    page = opened(FakeServer(), "/sign-in")
    hashes = [
        "#/case/abc-_9",
        "#/case/abc/adjudicate",
        "#//evil.test",
        "#https://evil.test",
        "#/case/../x",
        "#javascript:alert(1)",
        "",
    ]
    back = page.evaluate(
        "hashes => import('/page/js/sign-in.js').then(({ wayBack }) => hashes.map(wayBack))", hashes
    )
    assert back == ["/case/abc-_9", "/case/abc/adjudicate", "/", "/", "/", "/", "/"]


# --- accounts ------------------------------------------------------------------------------------

SESSION_ACCOUNT = {"name": "rita", "title": "Prof. Rita", "role": "administrator", "active": True}


def test_an_administrator_keeps_the_accounts(opened: Opener) -> None:
    server = usual(role="administrator")
    accounts = [SESSION_ACCOUNT, {**SESSION_ACCOUNT, "name": "ben", "role": "reader"}]
    server.answers["GET", "/api/accounts"] = lambda asked: (200, accounts)
    server.answers["POST", "/api/accounts"] = (409, {"code": "x", "sentence": "there is a ben"})
    page = opened(server, "/accounts")
    expect(page.get_by_role("button", name="Close: rita")).to_have_count(0)  # not oneself
    page.get_by_role("button", name="Add an account").click()
    fields = {"Signs in as": "ben", "Name under a report": "B", "First password": "x" * 10}
    for label, words in fields.items():
        page.get_by_label(label).fill(words)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("alert").last).to_have_text("there is a ben")
    server.answers["POST", "/api/accounts"] = (201, {})
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    sent = [asked.body for asked in server.asked if asked.method == "POST"]
    assert sent[-1] == {"name": "ben", "title": "B", "role": "reader", "password": "x" * 10}
    server.answers["PATCH", "/api/accounts/ben"] = (200, {})
    page.get_by_role("button", name="Close: ben").click()
    page.get_by_role("button", name="Close the account").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert [asked.body for asked in server.asked if asked.method == "PATCH"] == [{"active": False}]


def test_a_reader_is_told_whose_page_it_is(opened: Opener) -> None:
    page = opened(usual(role="reader"), "/accounts")
    expect(page.get_by_role("alert")).to_contain_text("kept by an administrator")
    expect(page.get_by_role("button", name="Add an account")).to_be_hidden()
    expect(page.get_by_role("link", name="Accounts", exact=True)).to_have_count(0)


# --- guided placing ------------------------------------------------------------------------------

MOUNT = """async (protocol) => {
  const { guide } = await import("/page/js/guide.js");
  document.body.innerHTML = "<main></main>";
  const done = (window.done = []);
  const actions = { choose: (name) => done.push(name), absent: () => done.push("ABSENT"),
    occluded: () => done.push("OCCLUDED"), picture: (row) => `/page/favicon.svg#${row}` };
  const panel = guide(document.querySelector("main"), protocol, actions);
  window.update = (marks, chosen) =>
    panel.update({ marks: new Map(Object.entries(marks)), chosen });
}"""


def test_the_guide_says_what_comes_now_and_how_far_one_is(opened: Opener) -> None:
    protocol = protocol_json(read_protocol("cephalogram"))
    names = [each["name"] for each in protocol["landmarks"]]
    page = opened(usual(), "/help")
    page.evaluate(MOUNT, protocol)
    page.evaluate("name => update({}, name)", names[0])
    panel = page.get_by_role("region", name="Place the landmarks")
    expect(panel.get_by_role("status")).to_have_text(
        f"1 of {len(names)}: {protocol['landmarks'][0]['title']}. 0 set"
    )
    expect(panel.get_by_text(protocol["landmarks"][0]["description"])).to_be_visible()
    assert panel.get_by_role("img").get_attribute("src") == "/page/favicon.svg#0"
    expect(panel.get_by_role("button", name="Back")).to_be_disabled()
    for button in ("Skip", "Absent", "Occluded"):
        panel.get_by_role("button", name=button).click()
    page.evaluate(
        "([a, b]) => update({ [a]: { state: 'absent' },"
        "[b]: { state: 'visible', origin: 'model' } }, b)",
        [names[0], names[1]],
    )
    panel.get_by_role("button", name="Back").click()
    assert page.evaluate("done") == [names[1], "ABSENT", "OCCLUDED", names[0]]
    expect(panel.get_by_role("listitem").nth(0)).to_contain_text("absent")
    expect(panel.get_by_role("listitem").nth(1)).to_contain_text("by the model")
    page.evaluate(
        "names => update(Object.fromEntries(names.map(n => [n, { state: 'visible' }])), null)",
        names,
    )
    expect(panel.get_by_role("status")).to_have_text(f"All {len(names)} landmarks are set.")


def test_the_next_landmark_is_the_next_that_is_missing(opened: Opener) -> None:
    page = opened(usual(), "/help")
    protocol = {"landmarks": [{"name": name} for name in "abcd"]}
    asked = [["", None], ["a", "a"], ["abd", "b"], ["bcd", "c"], ["abcd", "b"], ["abd", "c"]]
    found = page.evaluate(
        "([protocol, asked]) => import('/page/js/guide.js').then(({ nextUnset }) => asked.map("
        "([set, after]) => nextUnset(protocol, new Map([...set].map(n => [n, {}])), after)))",
        [protocol, asked],
    )
    assert found == ["a", "b", "c", "a", None, "c"]


# --- for every page ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/accounts", "/help", "/sign-in"])
def test_it_fits_a_narrow_screen_and_everything_has_a_name(
    opened: Opener, shared: Any, path: str
) -> None:
    shared.set_viewport_size({"width": 320, "height": 640})
    server = usual(role="administrator")
    server.answers["GET", "/api/accounts"] = (200, [SESSION_ACCOUNT])
    page = opened(server, path)
    page.get_by_role("heading", level=1).wait_for()
    if path == "/":
        page.locator("#rows tr").first.wait_for()
        # Rows that are drawn as cards are still rows of a table.
        assert page.get_by_role("table").get_by_role("row").count() == 51
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    snapshot = page.locator("body").aria_snapshot()
    # A control without a name stands there alone: '- button', '- textbox:'.
    nameless = re.findall(
        r"^\s*- (?:button|link|textbox|searchbox|combobox|img)\s*:?\s*$", snapshot, re.M
    )
    assert not nameless, snapshot
    levels = page.eval_on_selector_all("h1, h2, h3", "all => all.map(h => Number(h.tagName[1]))")
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.evaluate("document.documentElement.lang") == "en"
    assert "palpate" in page.title()
