"""What surrounds the routes: BentoML's own addresses, the page, metrics, overload."""

import json
import logging
import os
import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from starlette.testclient import TestClient
from starlette.types import Message

from service.computing.classifier import Classifier
from service.launcher import LAUNCHER
from tests.service.made_images import drawing
from tests.service.test_body_limit import scope_of, whole
from tests.service.tiny_service import TINY, save_tiny, serving

ROOT = Path(__file__).parents[2]
FORM = [("support", ("1.png", drawing(1))), ("support", ("2.png", drawing(2))), ("query", ("3.png", drawing(3)))]
LABELS = {"labels": ["a", "b"]}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The service as BentoML runs it."""
    data_dir = tmp_path_factory.mktemp("var")
    save_tiny(data_dir / "initializations" / TINY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATA_DIR", str(data_dir))
        patch.setenv(LAUNCHER, "")  # what the import writes there goes with the tests
        patch.delitem(sys.modules, "service.bento", raising=False)
        from service.bento import Metashot

        with TestClient(Metashot.to_asgi()) as client:
            yield client
    sys.modules.pop("service.bento", None)


def test_health(client: TestClient) -> None:
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").status_code == 200


def test_who_starts_working_processes_names_itself_to_them(client: TestClient) -> None:
    assert os.environ[LAUNCHER] == str(os.getpid())


def test_the_document_describes_every_route(client: TestClient) -> None:
    document = client.get("/docs.json").json()
    routes = {(method, path) for path, methods in document["paths"].items() for method in methods}
    assert {
        ("post", "/v1/classify"),
        ("post", "/v1/tasks"),
        ("get", "/v1/tasks"),
        ("get", "/v1/tasks/{task_id}"),
        ("delete", "/v1/tasks/{task_id}"),
        ("post", "/v1/tasks/{task_id}/examples"),
        ("get", "/v1/tasks/{task_id}/examples/{example_id}"),
        ("post", "/v1/tasks/{task_id}/examples/{example_id}"),
        ("delete", "/v1/tasks/{task_id}/examples/{example_id}"),
        ("delete", "/v1/tasks/{task_id}/classes/{label}"),
        ("post", "/v1/tasks/{task_id}/classify"),
        ("post", "/v1/tasks/{task_id}/jobs"),
        ("get", "/v1/jobs"),
        ("get", "/v1/jobs/{job_id}"),
        ("delete", "/v1/jobs/{job_id}"),
        ("get", "/v1/jobs/{job_id}/results"),
        ("get", "/v1/models"),
    } <= routes
    references = set(re.findall(r'"#/components/schemas/(\w+)"', client.get("/docs.json").text))
    assert references <= set(document["components"]["schemas"])


def test_the_document_introduces_this_service(client: TestClient) -> None:
    document = client.get("/docs.json").json()
    info = document["info"]
    assert info["title"] == "Metashot"
    assert "few" in info["description"] or "handful" in info["description"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert info["version"] == project["version"]
    assert info["license"]["name"] == project["license"]
    assert not re.search("bentoml|slack", str(info), re.IGNORECASE)
    assert "/livez" in document["paths"]


def test_the_document_is_of_a_version_that_knows_its_types(client: TestClient) -> None:
    answer = client.get("/docs.json")
    assert re.search(r'"type":\s*"null"', answer.text)  # OpenAPI has it since 3.1
    assert tuple(map(int, answer.json()["openapi"].split("."))) >= (3, 1)


def test_the_document_tells_when_to_come_again(client: TestClient) -> None:
    paths = client.get("/docs.json").json()["paths"]
    computing = [
        paths["/v1/classify"]["post"],
        paths["/v1/tasks"]["post"],
        paths["/v1/tasks/{task_id}/classify"]["post"],
        paths["/v1/tasks/{task_id}/jobs"]["post"],
        paths["/v1/tasks/{task_id}/classes/{label}"]["delete"],
    ]
    for operation in computing:
        assert "Retry-After" in operation["responses"]["503"]["headers"]
        assert "application/problem+json" in operation["responses"]["504"]["content"]
    assert "504" not in paths["/v1/tasks"]["get"]["responses"]
    for path in ("/v1/tasks", "/v1/tasks/{task_id}/jobs"):
        assert "application/problem+json" in paths[path]["post"]["responses"]["507"]["content"]
    assert "503" in paths["/v1/jobs"]["get"]["responses"]


def test_models(client: TestClient) -> None:
    items = client.get("/v1/models").json()["items"]
    (tiny,) = [one for one in items if one["name"] == TINY]
    assert tiny["version"] == tiny["card"]["version"]


def test_the_page_and_what_it_may_load(client: TestClient) -> None:
    for path in ("/", "/page/main.js"):
        for method in ("GET", "HEAD"):
            answer = client.request(method, path)
            assert answer.status_code == 200
            assert answer.headers["x-content-type-options"] == "nosniff"
            policy = answer.headers["content-security-policy"]
            assert policy == "default-src 'self'; img-src 'self' blob: data:; frame-ancestors 'none'"
    assert "<title>Metashot</title>" in client.get("/").text
    assert client.get("/page/examples/examples.json").status_code == 200
    beside = [f"/page/examples/{name}" for name in ("demo.py", "README.md")]
    for path in ("/page/nothing.js", "/page/../app.py", "/page/%2e%2e/app.py", "/page//etc/passwd", *beside):
        assert client.get(path).status_code == 404


def test_metrics_label_route_templates_only(client: TestClient) -> None:
    assert client.post("/v1/classify", files=FORM, data=LABELS).status_code == 200
    task = client.post("/v1/tasks", files=FORM[:2], data=LABELS).json()["id"]
    for path in (f"/v1/tasks/{task}", "/v1/tasks/nothing", "/v1/jobs/nothing", "/v1/what/ever", "/page/no.js"):
        client.get(path)
    client.request("BREW", "/v1/tasks")
    text = client.get("/metrics").text
    assert 'method="other"' in text
    assert "BREW" not in text
    assert set(re.findall(r'route="([^"]*)"', text)) <= {
        "/",
        "/docs.json",
        "/metrics",
        "/page/examples/{path:path}",
        "/page/{path:path}",
        "/v1/classify",
        "/v1/models",
        "/v1/tasks",
        "/v1/tasks/{task_id}",
        "/v1/jobs/{job_id}",
        "/v1/{path:path}",
        "/{path:path}",
    }
    assert task not in text
    assert f'metashot_adaptations_total{{model="{TINY}"}} 2.0' in text
    for name in ("requests_in_flight", "request_seconds_bucket", "queue_depth", "queries_total"):
        assert f"metashot_{name}" in text


def test_serving_imports_nothing_of_meta_training(tmp_path: Path) -> None:
    code = "import service.bento, sys; print({'learn2learn', 'training', 'pyarrow'} & set(sys.modules))"
    environment = {"DATA_DIR": str(tmp_path), "PATH": "", "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr


def test_overload_and_deadline_are_problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, release = threading.Event(), threading.Event()
    answers = Classifier.answers

    def slow(self: Classifier, *arguments: Any) -> Any:
        begun.set()
        release.wait(30)
        return answers(self, *arguments)

    monkeypatch.setattr(Classifier, "answers", slow)
    with serving(tmp_path, compute_threads=1, queue_length=0, deadline_s=1) as client:
        late: list[Any] = []
        caller = threading.Thread(
            target=lambda: late.append(client.post("/v1/classify", files=FORM, data=LABELS))
        )
        caller.start()
        assert begun.wait(10)
        full = client.post("/v1/classify", files=FORM, data=LABELS)
        caller.join()
        release.set()
    assert (full.status_code, late[0].status_code) == (503, 504)
    assert int(full.headers["retry-after"]) >= 1
    for refused in (full, late[0]):
        assert refused.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/v1/tasks/x%0a2026-01-01%20[ERROR]%20forged%1b[31m", "/%0a", "/page/%7f.js"])
def test_an_address_with_control_characters_leads_nowhere_and_forges_no_log(
    client: TestClient, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    access = logging.getLogger("bentoml.access")
    access.addHandler(caplog.handler)
    try:
        with caplog.at_level(logging.INFO, "bentoml.access"):
            answer = client.get(path)
    finally:
        access.removeHandler(caplog.handler)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["instance"] == quote(unquote(path))
    logged = [record.getMessage() for record in caplog.records if record.name == "bentoml.access"]
    assert logged
    assert all(line.isprintable() and "status=404" in line for line in logged)


def test_a_type_that_is_no_unicode_is_answered_whole(client: TestClient) -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = scope_of("/v1/tasks") | {"headers": [(b"content-type", b"text/\xff")]}  # test clients send UTF-8
    assert client.portal is not None
    client.portal.call(client.app, scope, whole(b"x"), send)
    assert sent[0]["status"] == json.loads(sent[1]["body"])["status"] == 415


@pytest.mark.parametrize("path", ["/page", "/livez/", "/metrics/", "/v1/tasks/", "/nowhere", "/assets/", "/docs"])
def test_nothing_leads_to_wherever_host_says(client: TestClient, path: str) -> None:
    answer = client.get(path, headers={"Host": "evil.example"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert "location" not in answer.headers


def test_what_only_can_be_read_says_so(client: TestClient) -> None:
    for path in ("/livez", "/readyz", "/metrics", "/docs.json", "/"):
        answer = client.post(path)
        assert (answer.status_code, answer.headers["content-type"]) == (405, "application/problem+json"), path
        assert "GET" in answer.headers["allow"]


def test_the_page_is_sent_again_only_if_it_changed(client: TestClient) -> None:
    for path in ("/", "/page/main.js", "/page/page.css", "/page/examples/examples.json"):
        first = client.get(path)
        assert first.headers["cache-control"] == "no-cache"  # or else browsers may go on with an older release's
        again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["cache-control"] == "no-cache"
    assert client.head("/").headers["etag"] == client.get("/").headers["etag"]
