"""hub from local folders, files and a server that isn't there: no test needs the network."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any, ClassVar
from urllib.error import HTTPError, URLError

import pytest

import rushlight as torch
from rushlight import hub

CONF = '''
dependencies = ["numpy", "torch"]

import helper

def double(x, by=2):
    """Twice a number."""
    return helper.times(x, by)

def _private():
    pass
'''


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    (folder / "hubconf.py").write_text(CONF)
    (folder / "helper.py").write_text("def times(x, by):\n    return x * by\n")
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(hub, "_directory", None)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "hub"


def test_a_local_folder(repository: Path) -> None:
    assert torch.hub.load(repository, "double", 3, source="local", by=5) == 15
    with pytest.raises(RuntimeError, match="Cannot find callable triple in hubconf"):
        torch.hub.load(str(repository), "triple", source="local")
    with pytest.raises(ValueError, match="model should be a string"):
        torch.hub.load(str(repository), 3, source="local")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match='Unknown source: "ftp"'):
        torch.hub.load(str(repository), "double", source="ftp")
    (repository / "hubconf.py").write_text("dependencies = ['no_such_package']\n")
    with pytest.raises(RuntimeError, match="Missing dependencies: no_such_package"):
        torch.hub.load(str(repository), "double", source="local")


def test_where_downloads_go(cache: Path, tmp_path: Path) -> None:
    assert torch.hub.get_dir() == str(cache)
    torch.hub.set_dir(tmp_path / "elsewhere")
    assert torch.hub.get_dir() == str(tmp_path / "elsewhere")


def test_weights_from_a_url(tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "weights.pt"
    torch.save({"w": torch.ones(2)}, source)
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    named = tmp_path / f"weights-{digest[:8]}.pt"
    named.write_bytes(source.read_bytes())
    found = torch.hub.load_state_dict_from_url(named.as_uri(), check_hash=True, progress=False, weights_only=True)
    assert found["w"].tolist() == [1.0, 1.0]
    assert (cache / "checkpoints" / named.name).exists()
    assert "Downloading" in capsys.readouterr().err
    # The second time, the copy is used.
    named.unlink()
    assert torch.hub.load_state_dict_from_url(named.as_uri())["w"].tolist() == [1.0, 1.0]
    wrong = tmp_path / "weights-00000000.pt"
    wrong.write_bytes(source.read_bytes())
    with pytest.raises(RuntimeError, match='invalid hash value \\(expected "00000000", got'):
        torch.hub.load_state_dict_from_url(wrong.as_uri(), check_hash=True, progress=False)
    assert not (cache / "checkpoints" / wrong.name).exists()
    assert not list((cache / "checkpoints").glob("*.partial"))


def test_an_older_zip_around_one_file(tmp_path: Path) -> None:
    inner = io.BytesIO()
    torch.save({"w": torch.zeros(1)}, inner, _use_new_zipfile_serialization=False)
    with zipfile.ZipFile(tmp_path / "old.zip", "w") as archive:
        archive.writestr("old.pth", inner.getvalue())
    with pytest.warns(DeprecationWarning, match="Falling back to the old format"):
        found = torch.hub.load_state_dict_from_url((tmp_path / "old.zip").as_uri(), progress=False)
    assert found["w"].tolist() == [0.0]


class Answer(io.BytesIO):
    headers: ClassVar[dict[str, str]] = {}


def server(repository: Path, asked: list[str]) -> Any:
    """What GitHub would answer for owner/name."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("owner-name-abc/", "")
        for file in repository.iterdir():
            if file.suffix == ".py":
                archive.writestr(f"owner-name-abc/{file.name}", file.read_text())

    def opened(url: str) -> Any:
        asked.append(url)
        if "/tree/main/" in url:
            raise HTTPError(url, 404, "none", {}, None)  # type: ignore[arg-type]
        if "api.github.com" in url:
            entries = (
                [{"name": "master", "commit": {"sha": "abc"}}] if "branches" in url and url.endswith("&page=1") else []
            )
            return Answer(json.dumps(entries).encode())
        return Answer(data.getvalue() if "zipball" in url else b"")

    return opened


def test_a_repository(repository: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(hub, "_open", server(repository, asked))
    assert torch.hub.load("owner/name", "double", 4, trust_repo=True) == 8
    assert (cache / "owner_name_master" / "hubconf.py").exists()
    asked.clear()
    assert torch.hub.list("owner/name:master", trust_repo=True) == ["double"]
    assert asked == []
    # It is trusted now.
    assert torch.hub.help("owner/name:master", "double") == "Twice a number."
    assert (cache / "trusted_list").read_text() == "owner_name\n"
    assert torch.hub.load("owner/name:master", "double", 1, force_reload=True, verbose=False) == 2
    assert any("zipball/master" in url for url in asked)
    with pytest.raises(ValueError, match="Cannot find fork in"):
        torch.hub.load("owner/name:fork", "double", 1, trust_repo=True)
    with pytest.raises(ValueError, match="expected a repository as owner/name"):
        torch.hub.load("name", "double", 1)


def test_trust_is_asked_for(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "_open", server(repository, []))
    monkeypatch.setattr("builtins.input", lambda text: "n")
    with pytest.raises(Exception, match="Untrusted repository"):
        torch.hub.load("owner/name:master", "double", 1)
    monkeypatch.setattr("builtins.input", lambda text: "perhaps")
    with pytest.raises(ValueError, match="Unrecognized response perhaps"):
        torch.hub.load("owner/name:master", "double", 1, trust_repo=False)
    monkeypatch.setattr("builtins.input", lambda text: "y")
    assert torch.hub.load("owner/name:master", "double", 1, trust_repo=False) == 2


def test_without_the_network_a_copy_will_do(cache: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(url: str) -> Any:
        raise URLError("down")

    monkeypatch.setattr(hub, "_open", down)
    with pytest.raises(RuntimeError, match="no internet connection"):
        torch.hub.load("owner/name", "double", 1, trust_repo=True)
    cache.mkdir(parents=True, exist_ok=True)
    repository.rename(cache / "owner_name_main")
    assert torch.hub.load("owner/name", "double", 1, trust_repo=True) == 2
