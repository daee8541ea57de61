"""The OpenAPI document says what the application does: schemathesis tries to prove otherwise."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from serve_web_server import Served, case_of, served

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)


@pytest.fixture(scope="module")
def review(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("document")) as found:
        yield found


@pytest.fixture(scope="module")
def owner(review: Served) -> Iterator[httpx.Client]:
    with review.signed_in() as client:
        yield client


@pytest.fixture(scope="module")
def document(owner: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = owner.get("/openapi.json").json()
    return found


def test_every_call_documents_its_refusals(document: dict[str, Any]) -> None:
    refusal = "#/components/schemas/Refusal"
    for path, methods in document["paths"].items():
        for method, call in methods.items():
            assert call["summary"], (path, method)
            assert call["responses"].keys() >= {"400", "403", "404", "413", "422", "500"}
            told = call["responses"]["422"]["content"]["application/json"]["schema"]
            assert told == {"$ref": refusal}, (path, method)


def test_the_application_does_what_its_document_says(
    review: Served, owner: httpx.Client, document: dict[str, Any]
) -> None:
    # Made-up names find nothing: most calls are tried on what there is, all with made-up rest.
    there = {"project": "necks", "case": case_of(owner), "reading": "shared"}
    headers = {
        "X-CSRF-Token": owner.headers["X-CSRF-Token"],
        "Cookie": "; ".join(f"{name}={value}" for name, value in owner.cookies.items()),
    }
    statuses: dict[int, int] = {}
    for result in schemathesis.openapi.from_dict(document).get_all_operations():
        call: Any = result.ok()  # type: ignore[union-attr]
        if (call.method.upper(), call.path) == ("DELETE", "/api/session"):
            continue

        def attempt(case: Any) -> None:
            known = {name: there[name] for name in case.path_parameters if name in there}
            case.path_parameters.update(known)
            answer = case.call(base_url=review.address, headers=headers)
            statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
            case.validate_response(answer, checks=list(CHECKS))

        limited = settings(
            max_examples=3,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        limited(given(case=call.as_strategy())(attempt))()
    assert statuses.get(200, 0) > 10
    assert statuses.get(422, 0) > 3
