"""Every shape in a signature is checked on every call while the tests run; nothing is timed."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

_hook = install_import_hook("palpate", "beartype.beartype")

# A test never times anything: a slow machine is no failure.
settings.register_profile("palpate", deadline=None)
settings.load_profile("palpate")

# Set where every program that a test may use was installed: nothing is skipped there.
_ALL_PROGRAMS = "PALPATE_TESTS_NEED_PROGRAMS"
_CHROMIUM = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """Path of a program of the system; the test is skipped where it is not installed."""

    def find(name: str) -> str:
        found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
        if found is None:
            if os.environ.get(_ALL_PROGRAMS):
                pytest.fail(f"{name} is not installed, and {_ALL_PROGRAMS} is set")
            pytest.skip(f"{name} is not installed")
        return found

    return find


@pytest.fixture(scope="session")
def chromium(program: Callable[[str], str]) -> Iterator[Any]:
    """A headless browser for the whole session; a test opens a context of its own in it."""
    from playwright.sync_api import sync_playwright

    path = program("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_CHROMIUM))
        yield browser
        browser.close()
