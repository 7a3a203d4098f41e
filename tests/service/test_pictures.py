"""The image of a kept example: the file as it was uploaded, and never anything but an image."""

import base64
import io
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from starlette.testclient import TestClient

from service.store.example_files import PIECE_BYTES, ExampleFiles
from tests.service.made_images import drawing, encoded
from tests.service.tiny_service import serving

SHEET = Image.effect_noise((30, 30), 90).convert("RGB")
OF_KIND = {
    "image/png": encoded(SHEET),
    "image/jpeg": encoded(SHEET, "JPEG"),
    "image/webp": encoded(SHEET, "WEBP"),
    "image/bmp": encoded(SHEET, "BMP"),
}


def large() -> bytes:
    """A PNG of several pieces, none like another."""
    image = Image.frombytes("RGB", (600, 600), random.Random(0).randbytes(3 * 600 * 600))
    content = encoded(image)
    assert len(content) > 3 * PIECE_BYTES
    return content


def create(client: TestClient, files: dict[str, bytes], kind: str = "image/png") -> dict[str, str]:
    """Make a task of files, of a class each; give the addresses of the examples by file name."""
    support = [("support", (name, content, kind)) for name, content in files.items()]
    answer = client.post("/v1/tasks", files=support, data={"labels": [f"class {k}" for k in range(len(files))]})
    assert answer.status_code == 201, answer.text
    task = answer.json()
    return {one["filename"]: f"/v1/tasks/{task['id']}/examples/{one['id']}" for one in task["examples"]}


def test_each_kind_comes_back_as_it_was_sent_whatever_it_was_called(client: TestClient) -> None:
    files = {f"{kind.partition('/')[2]}.html": content for kind, content in OF_KIND.items()}
    found = create(client, files, kind="text/html")
    for kind in OF_KIND:
        ending = kind.partition("/")[2]
        name = f"{ending}.html"
        answer = client.get(found[name])
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
        assert answer.content == files[name]
        assert answer.headers["content-length"] == str(len(files[name]))
        assert answer.headers["content-disposition"] == f'inline; filename="{name}.{ending}"'


def test_a_photo_of_two_frames_is_a_jpeg(client: TestClient) -> None:
    frames = io.BytesIO()
    SHEET.save(frames, "MPO", save_all=True, append_images=[SHEET.rotate(90)])
    found = create(client, {"a.mpo": frames.getvalue(), "b.png": drawing(1)})
    answer = client.get(found["a.mpo"])
    assert (answer.headers["content-type"], answer.content) == ("image/jpeg", frames.getvalue())


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("alpha/0394_01.png", 'filename="0394_01.png"'),
        ("..\\..\\run.JPG", 'filename="run.JPG"'),
        ('é "q"; x.png', "filename*=UTF-8''%C3%A9%20%22q%22%3B%20x.png"),
        (".hidden", 'filename="hidden.png"'),
        ("folder/", 'filename="image.png"'),
        ("x\r\nSet-Cookie: a=b", "filename*=UTF-8''x%EF%BF%BD%EF%BF%BDSet-Cookie%3A%20a%3Db.png"),
    ],
)
def test_a_name_leads_to_no_folder_and_no_header(client: TestClient, given: str, told: str) -> None:
    support = [
        {"label": label, "filename": name, "image": base64.b64encode(drawing(seed)).decode()}
        for seed, (label, name) in enumerate((("a", given), ("b", "b.png")))
    ]
    task = client.post("/v1/tasks", json={"support": support}).json()
    (example,) = [one for one in task["examples"] if one["label"] == "a"]
    answer = client.get(f"/v1/tasks/{task['id']}/examples/{example['id']}")
    assert answer.headers["content-disposition"] == f"inline; {told}"
    assert "set-cookie" not in answer.headers


def test_nothing_in_it_is_run_and_no_other_site_shows_it(client: TestClient) -> None:
    found = create(client, {"a.png": drawing(1), "b.png": drawing(2)})
    headers = client.get(found["a.png"]).headers
    assert headers["x-content-type-options"] == "nosniff"
    policy = headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "sandbox", "frame-ancestors 'none'"} <= set(policy)
    assert headers["cross-origin-resource-policy"] == "same-origin"


def test_who_has_it_is_not_sent_it_again_until_it_is_deleted(client: TestClient) -> None:
    found = create(client, {"a.png": drawing(1), "b.png": drawing(2), "c.png": drawing(3)})
    first = client.get(found["a.png"])
    assert first.headers["cache-control"] == "private, no-cache"
    for known in (first.headers["etag"], f"W/{first.headers['etag']}", f'"x", {first.headers["etag"]}', "*"):
        again = client.get(found["a.png"], headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
    assert client.get(found["b.png"], headers={"If-None-Match": first.headers["etag"]}).content == drawing(2)
    assert client.delete(found["a.png"]).status_code == 200
    assert client.get(found["a.png"], headers={"If-None-Match": first.headers["etag"]}).status_code == 404


def test_head_and_what_is_not_there(client: TestClient) -> None:
    found = create(client, {"a.png": drawing(1), "b.png": drawing(2)})
    other = create(client, {"a.png": drawing(1), "b.png": drawing(2)})
    head = client.head(found["a.png"])
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(drawing(1)))
    task, _, example = found["a.png"].rpartition("/examples/")
    elsewhere = f"{other['a.png'].rpartition('/')[0]}/{example}"
    for path, kind in (
        (f"{task}/examples/x", "example"),
        (elsewhere, "example"),
        ("/v1/tasks/x/examples/y", "task"),
    ):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["title"]) == (404, f"Unknown {kind}")
        assert answer.headers["content-type"] == "application/problem+json"
    refused = client.get(f"{found['a.png']}?side=9")
    assert (refused.status_code, refused.json()["field"]) == (422, "side")
    counted = client.get("/metrics").text
    assert 'route="/v1/tasks/{task_id}/examples/{example_id}",status="404"' in counted
    assert example not in counted


def test_a_large_one_comes_in_pieces(client: TestClient) -> None:
    content = large()
    found = create(client, {"a.png": content, "b.png": drawing(1)})
    answer = client.get(found["a.png"])
    assert answer.content == content
    assert answer.headers["content-length"] == str(len(content))


def test_one_that_is_deleted_while_it_is_read_is_cut_short_and_no_other_follows(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another example may get its place in the table."""
    read = ExampleFiles._read
    with httpx.Client(base_url=address) as client:
        found: Any = create(client, {"a.png": drawing(1), "b.png": drawing(2), "c.png": large()})  # type: ignore[arg-type]

        def replaced_meanwhile(self: ExampleFiles, example_id: str, offset: int) -> bytes:
            if offset == PIECE_BYTES:
                client.delete(found["c.png"])
                files = [("support", ("d.png", large()))]
                added = client.post(found["c.png"].rpartition("/")[0], files=files, data={"labels": "d"})
                assert added.status_code == 200
            return read(self, example_id, offset)

        monkeypatch.setattr(ExampleFiles, "_read", replaced_meanwhile)
        with httpx.Client(base_url=address) as other, pytest.raises(httpx.RemoteProtocolError):
            other.get(found["c.png"])


def test_hundreds_at_once_hold_up_no_question(address: str) -> None:
    with httpx.Client(base_url=address, timeout=60) as client:
        found = create(client, {f"{seed}.png": drawing(seed) for seed in range(40)})  # type: ignore[arg-type]
        task = next(iter(found.values())).rpartition("/examples")[0]

        def get(path: str) -> bytes:
            return client.get(path).content

        with ThreadPoolExecutor(20) as callers:
            contents = callers.map(get, list(found.values()) * 5)
            asked = client.post(f"{task}/classify", files={"query": ("q.png", drawing(50))})
            assert asked.status_code == 200
            assert list(contents) == [drawing(int(name.partition(".")[0])) for name in found] * 5


def test_to_look_at_a_temporary_task_is_to_use_it(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        files = [("support", (f"{label}.png", drawing(seed))) for seed, label in enumerate("ab")]
        task = client.post("/v1/tasks", files=files, data={"labels": ["a", "b"], "expires_in": "60"}).json()
        temporary = client.app.state.components.tasks.temporary
        temporary._used.clear()
        assert client.get(f"/v1/tasks/{task['id']}/examples/{task['examples'][0]['id']}").status_code == 200
        assert temporary._used == {task["id"]}
