"""The verbs of a review as they are typed, in processes of their own."""

import json
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import numpy as np
import pytest
import typer
from PIL import Image as Pillow
from typer.testing import CliRunner

from palpate.cli.review import review
from palpate.cli.review_account import review_account
from palpate.cli.review_files import (
    review_export,
    review_import,
    review_labels,
    review_verify,
)
from palpate.errors import FormatError, PalpateError
from palpate.io.formats import read_annotation
from palpate.review.account import Account
from palpate.review.event import Change
from palpate.review.mark import Mark
from palpate.review.store import Store

app = typer.Typer()
for _verb in (review, review_account, review_export, review_import, review_labels, review_verify):
    app.command()(_verb)
CHIEF = Account("chief", "Prof. Chief", "administrator")
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/sign-in\?token=\S+")
# A process in which nothing that networks need can be imported.
BLOCKED = """
import sys
from importlib.abc import MetaPathFinder
class Blocked(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "onnxruntime", "openvino"):
            raise ModuleNotFoundError(name + " is blocked", name=name)
sys.meta_path.insert(0, Blocked())
"""
IMPORTED = """
import importlib, pkgutil, tempfile
import palpate.review, palpate.serve.web
for package in (palpate.review, palpate.serve.web):
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        if not module.ispkg:
            importlib.import_module(module.name)
for name in ("review", "review_files", "review_account", "app"):
    importlib.import_module("palpate.cli." + name)
import palpate.workflows.review
with tempfile.TemporaryDirectory() as folder:
    palpate.workflows.review.Store.open(folder + "/review.sqlite").close()
print("whole", flush=True)
"""
SERVE = """
import typer
from palpate.cli.review import review
app = typer.Typer()
app.command()(review)
app()
"""


def films(folder: Path) -> Path:
    folder.mkdir()
    for i in range(3):
        Pillow.fromarray(np.full((90, 60), 40 * i, dtype=np.uint8)).save(folder / f"f{i}.png")
    return folder


def put(store: Store, *, moves: int = 1) -> None:
    """Set the first landmark of the first case."""
    project = store.projects()[0]
    case = store.queue(project.identifier, reader=CHIEF).rows[0].id
    for i in range(moves):
        key = (0, project.scheme.names[0])
        before = store.reading(case).marks.get(key)
        after = Mark(key[1], "visible", 3.0 + i, 4.0)
        store.append(
            case,
            "shared",
            after=i,
            key=f"event-{i:04}",
            who=CHIEF,
            kind="marks",
            changes=[Change(before, after)],
        )


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path, list[str]]]:
    """The address of a review of three films that a process serves without torch."""
    folder = films(tmp_path_factory.mktemp("review") / "films")
    command = [sys.executable, "-c", BLOCKED + IMPORTED + SERVE, str(folder), "--protocol", "satco"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    with process:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if ADDRESS.match(line):
                break
        else:
            pytest.fail("no address was printed:\n" + "".join(lines))
        yield lines[-1].strip(), folder, lines
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=30)
    assert "Traceback" not in rest


def test_the_printed_address_opens_the_queue_without_torch(
    served: tuple[str, Path, list[str]],
) -> None:
    address, folder, lines = served
    assert "3 cases in project films, measured with satco 1\n" in lines
    assert (folder / "review.sqlite").is_file()
    with httpx.Client(follow_redirects=True) as browser:
        assert browser.get(address.rpartition("?")[0] + "?token=wrong").status_code in (200, 401)
        assert browser.get(address).status_code == 200
        base = address.partition("/sign-in")[0]
        queue = browser.get(f"{base}/api/projects/films/queue").json()
        assert [row["image"] for row in queue["rows"]] == ["f0.png", "f1.png", "f2.png"]
        case = browser.get(f"{base}/api/cases/{queue['rows'][0]['id']}").json()
        assert (case["width"], case["height"]) == (60, 90)


def test_every_file_of_a_review_is_imported_without_torch(
    served: tuple[str, Path, list[str]],
) -> None:
    """The process that serves has imported them all before it began."""
    assert served[2][0] == "whole\n"


def run(*words: str, text: str | None = None) -> str:
    """Standard output of a verb; its error as it was raised."""
    done = CliRunner().invoke(app, list(words), input=text, catch_exceptions=True)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A store with one event of a person."""
    from palpate.workflows.review import ReviewWish, prepared, put_in

    ready = prepared(
        ReviewWish(films(tmp_path / "films"), protocol="satco"), advance=lambda *told: None
    )
    with Store.open(tmp_path / "review.sqlite") as store:
        put_in(store, ready, who="chief")
        put(store)
    return tmp_path / "review.sqlite"


def test_a_whole_chain_is_told_with_its_head_and_a_broken_one_fails(kept: Path) -> None:
    with Store.open(kept) as store:
        _, digest = store.head()
    assert run("review-verify", str(kept)) == f"1 events, the last {digest}\n"
    with closing(sqlite3.connect(kept)) as database, database:
        database.execute("UPDATE events SET changes = replace(changes, '3.0', '9.0')")
    done = CliRunner().invoke(app, ["review-verify", str(kept)])
    assert done.exit_code == 1
    assert "broken: event 1 was changed after it was saved" in done.output


def test_a_review_goes_out_and_in_again(kept: Path, tmp_path: Path) -> None:
    out = tmp_path / "whole.zip"
    told = run("review-export", str(kept), str(out))
    there = tmp_path / "there" / "review.sqlite"
    assert run("review-import", str(out), str(there)).strip() in told
    with Store.open(there) as store:
        case = store.queue("films", reader=CHIEF).rows[0].id
        assert len(store.reading(case).marks) == 1


def test_labels_are_written_as_a_study(kept: Path, tmp_path: Path) -> None:
    told = run("review-labels", str(kept), str(tmp_path / "labels"))
    assert told.startswith("labels of shared on 1 images -> ")
    assert (tmp_path / "labels" / "landmarks.csv").read_text().count("\n") == 2
    with pytest.raises(PalpateError, match="no project 'flims'; did you mean 'films'"):
        run("review-labels", str(kept), str(tmp_path / "l"), "--project", "flims")
    with pytest.raises(PalpateError, match="no signed labels"):
        run("review-labels", str(kept), str(tmp_path / "l"), "--signed")


def test_a_password_comes_from_a_pipe_and_never_from_the_line(kept: Path) -> None:
    told = run(
        "review-account",
        str(kept),
        "anna",
        "--role",
        "reviewer",
        "--title",
        "Dr. Anna",
        text="a long password\n",
    )
    assert told == "anna (Dr. Anna): reviewer\n"
    with Store.open(kept) as store:
        assert store.check_password("anna", "a long password") is not None
    assert run("review-account", str(kept), "anna", "--inactive").endswith("may not sign in\n")
    with Store.open(kept) as store:
        assert store.check_password("anna", "a long password") is None
    with pytest.raises(PalpateError, match="10 to"):
        run("review-account", str(kept), "ben", text="short\n")


def test_what_cannot_be_served_is_said_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(PalpateError, match="no such folder"):
        run("review", str(tmp_path / "nowhere"))
    folder = films(tmp_path / "films")
    with pytest.raises(PalpateError, match="--public-address"):
        run("review", str(folder), "--protocol", "satco", "--host", "0.0.0.0")
    assert not list(tmp_path.rglob("*.sqlite"))
    with pytest.raises(PalpateError, match="review-account"):
        run("review", str(folder), "--protocol", "satco", "--accounts")


def test_json_is_no_study(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"format": "another"}))
    with pytest.raises(PalpateError, match=r"expected a study's folder"):
        run("review", str(tmp_path / "a.json"))


@pytest.mark.parametrize("name", ["review.sqlite", "review.csv"])
def test_a_review_is_no_annotation_file_and_the_way_out_is_told(kept: Path, name: str) -> None:
    path = kept.rename(kept.with_name(name))
    with pytest.raises(FormatError, match=r"is a review; .*'palpate review-labels STORE OUT'"):
        read_annotation(path)
