"""Models from a folder or a repository of GitHub's that has a file `hubconf.py`, and files from the network.

Source: https://docs.pytorch.org/docs/2.13/hub.html
"""

from __future__ import annotations

import builtins
import hashlib
import importlib.util
import json
import os
import re
import shutil
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlparse
from urllib.request import Request, urlopen

from rushlight.serialization import load as _load_file

__all__ = ["download_url_to_file", "get_dir", "help", "list", "load", "load_state_dict_from_url", "set_dir"]

_SOURCES = ("github", "local")
_BRANCHES = ("main", "master")
_OWNERS = ("facebookresearch", "facebookincubator", "pytorch", "fairinternal")
_HASH = re.compile(r"-([a-f0-9]*)\.")
_PIECE = 128 * 1024
_directory: str | None = None


def get_dir() -> str:
    """The folder for what is downloaded: `set_dir`'s, else `$TORCH_HOME/hub`, else `~/.cache/torch/hub`
    (`$XDG_CACHE_HOME` in the place of `~/.cache`).

    Source: https://docs.pytorch.org/docs/2.13/hub.html#torch.hub.get_dir
    """
    if _directory is not None:
        return _directory
    cache = os.path.join(os.getenv("XDG_CACHE_HOME", "~/.cache"), "torch")
    return os.path.join(os.path.expanduser(os.getenv("TORCH_HOME", cache)), "hub")


def set_dir(d: str | os.PathLike[str]) -> None:
    """Choose the folder for what is downloaded.

    Source: https://docs.pytorch.org/docs/2.13/hub.html#torch.hub.set_dir
    """
    global _directory
    _directory = os.path.expanduser(d)


def _open(url: str) -> Any:
    return urlopen(Request(url, headers={"User-Agent": "torch.hub"}))


def download_url_to_file(url: str, dst: str, hash_prefix: str | None = None, progress: bool = True) -> None:
    """Download a file; under its name there is the whole file or none.

    Args:
        url: where from; `file://` too.
        dst: the path to write to.
        hash_prefix: how the SHA-256 of the file must begin, in hexadecimal; RuntimeError otherwise.
        progress: whether to show a bar.

    Source: https://docs.pytorch.org/docs/2.13/hub.html#torch.hub.download_url_to_file
    """
    from tqdm import tqdm

    dst = os.path.expanduser(dst)
    with _open(url) as source:
        length = source.headers.get("Content-Length")
        with tempfile.NamedTemporaryFile(
            delete=False, dir=os.path.dirname(dst) or ".", prefix=f"{os.path.basename(dst)}.", suffix=".partial"
        ) as part:
            try:
                digest = hashlib.sha256()
                total = int(length) if length else None
                with tqdm(total=total, disable=not progress, unit="B", unit_scale=True, unit_divisor=1024) as bar:
                    while piece := source.read(_PIECE):
                        part.write(piece)
                        digest.update(piece)
                        bar.update(len(piece))
                part.close()
                if hash_prefix is not None and digest.hexdigest()[: len(hash_prefix)] != hash_prefix:
                    raise RuntimeError(f'invalid hash value (expected "{hash_prefix}", got "{digest.hexdigest()}")')
                shutil.move(part.name, dst)
            finally:
                if os.path.exists(part.name):
                    os.remove(part.name)


def load_state_dict_from_url(
    url: str,
    model_dir: str | None = None,
    map_location: Any = None,
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
    weights_only: bool = False,
) -> dict[str, Any]:
    """What `torch.load` reads from a file at a URL, which is downloaded the first time and kept.

    Args:
        url: where the file is; `file://` too. A zip of one file, as PyTorch's older ones are, is unpacked.
        model_dir: the folder to keep it in, by default `checkpoints` in `get_dir()`.
        map_location: as in `torch.load`.
        progress: whether to show a bar while downloading.
        check_hash: whether the name, `name-<beginning of its SHA-256>.ext`, says what the file's hash must begin with.
        file_name: the name to keep it under, by default the URL's.
        weights_only: as in `torch.load`: only tensors and containers are made. False is for sources one trusts.

    Source: https://docs.pytorch.org/docs/2.13/hub.html#torch.hub.load_state_dict_from_url
    """
    if os.getenv("TORCH_MODEL_ZOO"):
        warnings.warn("TORCH_MODEL_ZOO is deprecated, please use env TORCH_HOME instead", stacklevel=2)
    folder = os.path.join(get_dir(), "checkpoints") if model_dir is None else model_dir
    os.makedirs(folder, exist_ok=True)
    name = file_name or os.path.basename(urlparse(url).path)
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        sys.stderr.write(f'Downloading: "{url}" to {path}\n')
        found = _HASH.search(name) if check_hash else None
        download_url_to_file(url, path, found.group(1) if found else None, progress=progress)
    if _is_zip_of_one(path):
        path = _unpacked(path, folder)
    return _load_file(path, map_location=map_location, weights_only=weights_only)


def _is_zip_of_one(path: str) -> bool:
    """Whether a file is a plain zip around one file, rather than one that `torch.save` writes."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return len(archive.infolist()) == 1 and not archive.infolist()[0].filename.endswith("/data.pkl")


def _unpacked(path: str, folder: str) -> str:
    warnings.warn(
        "Falling back to the old format < 1.6. This support will be deprecated in favor of default zipfile format "
        "introduced in 1.6. Please redo torch.save() to save it in the new zipfile format.",
        DeprecationWarning,
        stacklevel=3,
    )
    with zipfile.ZipFile(path) as archive:
        (member,) = archive.infolist()
        member.filename = os.path.basename(member.filename)
        return archive.extract(member, folder)


# Repositories: `owner/name:branch or tag`, or a folder.


def _parts(github: str) -> tuple[str, str, str]:
    """Owner, name and branch or tag of a repository; the main branch where none is said."""
    place, _, ref = github.partition(":")
    if place.count("/") != 1:
        raise ValueError(f"expected a repository as owner/name or owner/name:branch, got {github!r}")
    owner, name = place.split("/")
    return owner, name, ref or _main_branch(owner, name)


def _main_branch(owner: str, name: str) -> str:
    for branch in _BRANCHES:
        try:
            with _open(f"https://github.com/{owner}/{name}/tree/{branch}/"):
                return branch
        except HTTPError as error:
            if error.code != 404:
                raise
        except URLError:
            # Without the network, a copy of either branch that is there will do.
            for known in _BRANCHES:
                if os.path.exists(_folder_of(owner, name, known)):
                    return known
            raise RuntimeError(
                "It looks like there is no internet connection and the repo could not be found in the cache "
                f"({get_dir()})"
            ) from None
    raise RuntimeError(f"the repository {owner}/{name} has none of the branches {', '.join(_BRANCHES)}")


def _folder_of(owner: str, name: str, ref: str) -> str:
    return os.path.join(get_dir(), "_".join([owner, name, ref.replace("/", "_")]))


def _check_branch(owner: str, name: str, ref: str) -> None:
    """ValueError where the branch or tag isn't the repository's own, but that of a fork."""
    for prefix in (f"https://api.github.com/repos/{owner}/{name}/{kind}" for kind in ("branches", "tags")):
        page = 0
        while True:
            page += 1
            with _open(f"{prefix}?per_page=100&page={page}") as answer:
                entries = json.loads(answer.read().decode())
            if not entries:
                break
            if any(ref == entry["name"] or entry["commit"]["sha"].startswith(ref) for entry in entries):
                return
    raise ValueError(
        f"Cannot find {ref} in https://github.com/{owner}/{name}. If it's a commit from a forked repo, please call "
        "hub.load() with forked repo directly."
    )


def _trust(owner: str, name: str, folder: str, trust_repo: Any) -> None:
    """Ask before code of a repository runs that wasn't trusted before, and remember the answer."""
    path = Path(get_dir(), "trusted_list")
    known = path.read_text().split() if path.exists() else []
    entry = f"{owner}_{name}"
    # What was downloaded before is trusted.
    trusted = owner in _OWNERS or entry in known or os.path.isdir(folder)
    if trust_repo is False or (trust_repo == "check" and not trusted):
        answer = input(
            f"The repository {entry} does not belong to the list of trusted repositories and as such cannot be "
            "downloaded. Do you trust this repository and wish to add it to the trusted list of repositories (y/N)?"
        ).lower()
        if answer in ("n", "no", ""):
            raise Exception("Untrusted repository.")
        if answer not in ("y", "yes"):
            raise ValueError(f"Unrecognized response {answer}.")
        if trusted:
            print("The repository is already trusted.")
    if not trusted:
        with path.open("a") as file:
            file.write(f"{entry}\n")


def _folder(
    github: str, force_reload: bool, trust_repo: Any, verbose: bool = True, skip_validation: bool = False
) -> str:
    """The folder of a repository, downloaded unless it is there."""
    os.makedirs(get_dir(), exist_ok=True)
    owner, name, ref = _parts(github)
    folder = _folder_of(owner, name, ref)
    _trust(owner, name, folder, trust_repo)
    if not force_reload and os.path.exists(folder):
        if verbose:
            sys.stderr.write(f"Using cache found in {folder}\n")
        return folder
    if not skip_validation:
        _check_branch(owner, name, ref)
    archive = os.path.join(get_dir(), f"{ref.replace('/', '_')}.zip")
    if os.path.exists(archive):
        os.remove(archive)
    url = f"https://github.com/{owner}/{name}/zipball/{ref}"
    sys.stderr.write(f'Downloading: "{url}" to {archive}\n')
    download_url_to_file(url, archive, progress=False)
    with zipfile.ZipFile(archive) as opened:
        extracted = os.path.join(get_dir(), opened.infolist()[0].filename)
        for path in (extracted, folder):
            if os.path.exists(path):
                shutil.rmtree(path)
        opened.extractall(get_dir())
    os.remove(archive)
    shutil.move(extracted, folder)
    return folder


@contextmanager
def _importable(folder: str) -> Iterator[None]:
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def _module(folder: str) -> ModuleType:
    """The module of a folder's `hubconf.py`, whose dependencies must be installed."""
    path = os.path.join(folder, "hubconf.py")
    spec = importlib.util.spec_from_file_location("hubconf", path)
    if spec is None or spec.loader is None:
        raise AssertionError(f"no module can be made of {path}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    needed = getattr(module, "dependencies", None) or ()
    missing = [name for name in needed if not _is_installed(name)]
    if missing:
        raise RuntimeError(f"Missing dependencies: {', '.join(missing)}")
    return module


def _is_installed(name: str) -> bool:
    # Where PyTorch isn't, this package stands for it.
    if name == "torch":
        return True
    try:
        return name in sys.modules or importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _entry(module: ModuleType, model: Any) -> Any:
    if not isinstance(model, str):
        raise ValueError("Invalid input: model should be a string of function name")
    function = getattr(module, model, None)
    if function is None or not callable(function):
        raise RuntimeError(f"Cannot find callable {model} in hubconf")
    return function


def _check_source(source: str) -> str:
    if source.lower() not in _SOURCES:
        raise ValueError(f'Unknown source: "{source}". Allowed values: "github" | "local".')
    return source.lower()


def list(
    github: str,
    force_reload: bool = False,
    skip_validation: bool = False,
    trust_repo: bool | str | None = "check",
    verbose: bool = True,
) -> builtins.list[str]:
    """The names of what a repository's `hubconf.py` offers.

    The arguments are those of `load`.

    Source: https://docs.pytorch.org/docs/2.13/hub.html#torch.hub.list
    """
    folder = _folder(github, force_reload, trust_repo, verbose, skip_validation)
    with _importable(folder):
        module = _module(folder)
    return [name for name in dir(module) if callable(getattr(module, name)) and not name.startswith("_")]


def help(
    github: str,
    model: str,
    force_reload: bool = False,
    skip_validation: bool = False,
    trust_repo: bool | str | None = "check",
) -> str | None:
    """The docstring of what a repository's `hubconf.py` offers under a name.

    The arguments are those of `load`.

    Source: https://docs.pytorch.org/docs/2.13/hub.html#torch.hub.help
    """
    folder = _folder(github, force_reload, trust_repo, True, skip_validation)
    with _importable(folder):
        module = _module(folder)
    return _entry(module, model).__doc__


def load(
    repo_or_dir: str | os.PathLike[str],
    model: str,
    *args: Any,
    source: str = "github",
    trust_repo: bool | str | None = "check",
    force_reload: bool = False,
    verbose: bool = True,
    skip_validation: bool = False,
    **kwargs: Any,
) -> Any:
    """What the function `model` of a `hubconf.py` returns for the other arguments.

    Args:
        repo_or_dir: a repository as `owner/name` or `owner/name:branch`, or the path of a folder.
        model: the function's name. RuntimeError where there is none.
        source: "github" or "local"; ValueError for another.
        trust_repo: whether a repository's code may run: "check" asks where it wasn't trusted or downloaded before,
            False asks always, True doesn't.
        force_reload: whether to download a repository again.
        verbose: whether to say that a copy was found.
        skip_validation: whether not to ask GitHub if the branch is the repository's own.

    RuntimeError where a package of the file's `dependencies` isn't installed.

    >>> import pathlib
    >>> import rushlight as torch
    >>> _ = pathlib.Path("hubconf.py").write_text("def one():\\n    'A number.'\\n    return 1\\n")
    >>> torch.hub.load(".", "one", source="local")
    1

    Source: https://docs.pytorch.org/docs/2.13/hub.html#torch.hub.load
    """
    folder = os.fspath(repo_or_dir)
    if _check_source(source) == "github":
        folder = _folder(folder, force_reload, trust_repo, verbose, skip_validation)
    with _importable(folder):
        return _entry(_module(folder), model)(*args, **kwargs)
