import errno
import os
import re
from dataclasses import fields
from pathlib import Path

import pytest

from service.settings import Settings, SettingsError


def test_defaults_are_allowed_and_ask_for_a_thousand_files() -> None:
    settings = Settings.from_environment({})
    assert settings == Settings()
    assert settings.max_files == 1000
    assert settings.data_dir == Path("var")
    assert settings.request_timeout_s > settings.upload_s + settings.deadline_s


def test_reads_port_and_folder_with_and_without_the_prefix(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {"PORT": "4000", "METASHOT_DATA_DIR": str(tmp_path), "METASHOT_DATA": "x"}
    )
    assert (settings.port, settings.data_dir) == (4000, tmp_path)
    both = Settings.from_environment({"METASHOT_PORT": "4001", "PORT": "4000"})
    assert both.port == 4001
    assert Settings.from_environment({"PORT": "", "METASHOT_DEADLINE_S": "2.5"}).deadline_s == 2.5


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("PORT", "http", "whole number"),
        ("PORT", "0", "within 1 to 65535"),
        ("METASHOT_PORT", "0", "within 1 to 65535"),
        ("METASHOT_MAX_WAYS", "1_0", "whole number"),
        ("METASHOT_UPLOAD_S", "1_0", "seconds"),
        ("METASHOT_MAX_PIXELS", "1e9", "whole number"),
        ("METASHOT_MAX_PIXELS", "1000000000", "89000000"),
        ("METASHOT_COMPUTE_THREADS", "0", "within"),
        ("METASHOT_HOSTS", "https://a.example", "bare names"),
        ("METASHOT_HOSTS", "a.example:3000", "bare names"),
        ("METASHOT_HOSTS", "a.example,*", "bare names"),
        ("METASHOT_HOSTS", "a.example,,", "bare names"),
        ("METASHOT_DEADLINE_S", "nan", "within"),
        ("METASHOT_DEADLINE_S", "soon", "seconds"),
        ("METASHOT_MAX_WAYS", "1", "within"),
        ("METASHOT_MAX_FILE_BYTES", str(2**27), "METASHOT_MAX_REQUEST_BYTES"),
        ("METASHOT_MAX_FILE", "5", "METASHOT_MAX_FILES"),
        ("METASHOT_PORT", "3000/tcp", "whole number"),
        ("METASHOT_PORTS", "3000", "METASHOT_PORT"),
    ],
)
def test_refuses_absurd_values_by_name(variable: str, value: str, words: str) -> None:
    with pytest.raises(SettingsError, match=f"^{variable}=|{variable} is no setting") as caught:
        Settings.from_environment({variable: value})
    assert words in str(caught.value)


def test_names_are_listed_with_commas() -> None:
    settings = Settings.from_environment({"METASHOT_HOSTS": "A.example, gpu-box"})
    assert settings.hosts == ("a.example", "gpu-box")


@pytest.mark.parametrize("service", ["METASHOT", "METASHOT_API", "METASHOT_SERVICE"])
def test_what_kubernetes_tells_of_a_service_is_no_setting(service: str) -> None:
    of_kubernetes = {
        f"{service}_SERVICE_HOST": "10.0.0.1",
        f"{service}_SERVICE_PORT": "3000",
        f"{service}_SERVICE_PORT_HTTP": "3000",
        f"{service}_PORT": "tcp://10.0.0.1:3000",
        f"{service}_PORT_3000_TCP": "tcp://10.0.0.1:3000",
        f"{service}_PORT_3000_TCP_PROTO": "tcp",
        f"{service}_PORT_3000_TCP_PORT": "3000",
        f"{service}_PORT_3000_TCP_ADDR": "10.0.0.1",
    }
    assert Settings.from_environment(of_kubernetes) == Settings()
    assert Settings.from_environment(of_kubernetes | {"PORT": "4000"}).port == 4000


def test_refuses_a_file_in_place_of_the_data_folder(tmp_path: Path) -> None:
    file = tmp_path / "var"
    file.write_text("")
    with pytest.raises(SettingsError, match="is a file"):
        Settings(data_dir=file)


@pytest.mark.parametrize("name", ["jobs", "initializations"])
def test_refuses_a_file_in_place_of_a_folder_inside_it(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("")
    with pytest.raises(SettingsError, match=f"{name} is a file"):
        Settings(data_dir=tmp_path)


def test_refuses_a_folder_that_cannot_be_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(self: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "exists", denied)
    with pytest.raises(SettingsError, match=r"Permission denied.*read and written"):
        Settings(data_dir=tmp_path)


@pytest.mark.parametrize("name", ["jobs", "jobs/.lock"])
def test_refuses_what_another_user_restored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / ".lock").touch()
    assert Settings(data_dir=tmp_path).data_dir == tmp_path
    monkeypatch.setattr(os, "access", lambda path, _: path != tmp_path / name)
    with pytest.raises(SettingsError, match=f"{name} cannot be written to.*own"):
        Settings(data_dir=tmp_path)


def test_the_documents_table_tells_every_setting_and_its_default() -> None:
    document = (Path(__file__).parents[2] / "docs" / "service.md").read_text()
    rows = re.findall(r"^\| `([A-Z_]+)` \| (\S+)(?: \(.*\))? \| .+ \|$", document, re.MULTILINE)
    told = {variable.removeprefix("METASHOT_").lower(): default for variable, default in rows}
    assert told == {
        one.name: f"{one.default:g}" if isinstance(one.default, float) else str(one.default or "none")
        for one in fields(Settings)
    }
