"""What a browser sends for other sites' pages is refused; programs go on."""

import pytest
from starlette.testclient import TestClient

OURS = "http://testserver"


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({}, True),
        ({"Origin": OURS}, True),
        ({"Origin": "http://TestServer"}, True),
        ({"Origin": OURS, "Sec-Fetch-Site": "same-origin"}, True),
        (
            {"Origin": "https://outside.example", "Sec-Fetch-Site": "same-origin"},
            True,
        ),  # by a proxy of its own name
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Origin": OURS, "Sec-Fetch-Site": "cross-site"}, False),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "http://testserver:8000", "Sec-Fetch-Site": "same-site"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://[::bad"}, False),
    ],
)
def test_only_pages_of_its_own_may_change_anything(
    client: TestClient, headers: dict[str, str], passes: bool
) -> None:
    for method, path in (("POST", "/v1/classify"), ("DELETE", "/v1/tasks/none")):
        answer = client.request(method, path, headers=headers)
        assert answer.headers["content-type"] == "application/problem+json"
        assert (answer.status_code != 403) is passes
    assert client.get("/v1/tasks", headers=headers).status_code == 200
