"""Installing with real venvs and pip, from wheels that are made here (no network)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from rkgraph.errors import TargetError, ToolkitMissing, UsageError
from rkgraph.toolkit.catalog import TORCH, VERSIONS
from rkgraph.toolkit.install import InstallRequest, install_toolkit, installing, known_release, remove_toolkit
from rkgraph.toolkit.inventory import inventory
from rkgraph.toolkit.locate import find_toolkit, toolkit_folder
from rkgraph.toolkit.stamp import STAMP
from tests.cli.harness import Sandbox
from tests.toolkit.wheels import BROKEN_RKNN, make_index, make_torch, make_wheel

Install = Callable[..., list[str]]


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels, the only place where pip looks."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """An interpreter without torch."""
    venv.create(tmp_path / "base", with_pip=False, symlinks=True)
    return tmp_path / "base" / "bin" / "python"


@pytest.fixture(scope="session")
def empty_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with pip. Making one takes seconds, copying it does not."""
    folder = tmp_path_factory.mktemp("environments") / "empty"
    venv.create(folder, with_pip=True, symlinks=True)
    return folder


@pytest.fixture
def install(home: Path, base: Path, empty_environment: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a version and return what the user was told and asked; the running interpreter counts as `base`."""
    monkeypatch.setattr("sys.executable", str(base))
    monkeypatch.setattr(
        "rkgraph.toolkit.install._make_environment",
        lambda _, folder: shutil.copytree(empty_environment, folder, symlinks=True),
    )

    def run(
        version: str = "2.3.2",
        *,
        answer: bool = True,
        torch_from: Path | None = None,
        said: list[str] | None = None,
        force: bool = False,
    ) -> list[str]:
        said = [] if said is None else said

        def confirm(text: str) -> bool:
            said.append(f"? {text}")
            return answer

        request = InstallRequest(known_release(version), home, None, torch_from, force)
        install_toolkit(request, confirm, said.append)
        return said

    return run


def import_rknn(home: Path, version: str) -> str:
    """What torch the installed toolkit imports."""
    code = "from rknn.api import RKNN; import torch; print(torch.__version__, torch.__file__)"
    toolkit = find_toolkit(version, home=home)
    return subprocess.run([toolkit.python, "-I", "-c", code], check=True, capture_output=True, text=True).stdout


def states(home: Path) -> dict[str, str]:
    return {each.version: each.state for each in inventory(home)}


def test_one_torch_for_two_toolkits(index: Path, home: Path, install: Install) -> None:
    make_index(index)
    said = install("2.3.2")
    (question,) = [line for line in said if line.startswith("? ")]
    assert f"torch {TORCH.version}: about" in question
    assert "MB" in question
    assert said.index(question) < min(i for i, line in enumerate(said) if line.startswith("processing"))
    assert import_rknn(home, "2.3.2").startswith(TORCH.version)

    (question,) = [line for line in install("2.5.0") if line.startswith("? ")]
    assert "is shared (shared folder)" in question
    assert [path.name for path in (home / "torch").iterdir()] == [f"{TORCH.version}-cp3{sys.version_info.minor}"]
    assert str(home / "torch") in import_rknn(home, "2.5.0")

    assert states(home) == {v: "installed" if v in ("2.3.2", "2.5.0") else "not installed" for v in VERSIONS}
    assert install("2.3.2") == []  # it is there

    assert remove_toolkit("2.3.2", home)
    assert not remove_toolkit("2.3.2", home)
    assert not toolkit_folder("2.3.2", home).exists()
    assert str(home / "torch") in import_rknn(home, "2.5.0")


def test_the_torch_of_another_interpreter_is_linked(
    index: Path, home: Path, install: Install, tmp_path: Path, empty_environment: Path
) -> None:
    make_index(index)
    make_torch(index, "2.1.0")
    other = tmp_path / "other"
    shutil.copytree(empty_environment, other, symlinks=True)
    python = other / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "torch==2.1.0"], check=True, capture_output=True)
    before = sorted(path for path in other.rglob("*") if "__pycache__" not in path.parts)

    (question,) = [line for line in install(torch_from=python) if line.startswith("? ")]
    assert f"torch 2.1.0 is shared ({python})" in question
    assert import_rknn(home, "2.3.2").startswith("2.1.0")
    assert not (home / "torch").exists()
    links = {path.name for path in (toolkit_folder("2.3.2", home) / "torch").iterdir()}
    assert {"torch", "sympy.py"} <= links
    assert "pip" not in links

    install("2.5.0")  # finds what 2.3.2 shares, without being told
    assert import_rknn(home, "2.5.0").startswith("2.1.0")
    assert remove_toolkit("2.3.2", home)
    assert import_rknn(home, "2.5.0").startswith("2.1.0")
    assert sorted(path for path in other.rglob("*") if "__pycache__" not in path.parts) == before

    (other / "lib" / f"python3.{sys.version_info.minor}" / "site-packages" / "torch").rename(tmp_path / "moved")
    assert states(home)["2.5.0"].startswith(f"broken: its torch is gone ({python})")


def test_pins_win_over_the_shared_folder(index: Path, home: Path, install: Install, tmp_path: Path) -> None:
    make_index(index)
    make_wheel(index, "sympy", "2.0", {"sympy.py": "", "numpy.py": "raise ImportError('not this one')"})
    install()
    toolkit = find_toolkit("2.3.2", home=home)
    subprocess.run([toolkit.python, "-I", "-c", "import numpy"], check=True)


def test_a_real_environment(index: Path, home: Path, base: Path) -> None:
    make_index(index)
    request = InstallRequest(known_release("2.3.2"), home, base)
    assert install_toolkit(request, lambda _: True, lambda _: None).python.exists()
    assert import_rknn(home, "2.3.2").startswith(TORCH.version)


def test_a_python_whose_venv_module_fails(home: Path, tmp_path: Path) -> None:
    request = InstallRequest(known_release("2.3.2"), home, fake_python(tmp_path / "python", 11, torch=True, venv=False))
    with pytest.raises(UsageError, match=r"-m venv fails: ensurepip is not available") as caught:
        install_toolkit(request, lambda _: True, lambda _: None)
    assert "python3-venv" in caught.value.hint


def test_no_is_no(index: Path, home: Path, install: Install) -> None:
    make_index(index)
    with pytest.raises(UsageError, match="was not installed"):
        install(answer=False)
    assert states(home)["2.3.2"] == "not installed"
    assert not (home / "torch").exists()


def test_gpu_packages_are_said_before_they_are_fetched(index: Path, install: Install) -> None:
    make_index(index)
    make_torch(index, TORCH.version, ("nvidia-cublas",))
    make_wheel(index, "nvidia-cublas", "12.0", {"nvidia.py": ""})
    said: list[str] = []
    with pytest.raises(UsageError, match="was not installed"):
        install(answer=False, said=said)
    assert "GPU packages, several GB" in said[-1]


def test_the_documented_size_where_pip_cannot_say(index: Path, install: Install) -> None:
    said: list[str] = []
    with pytest.raises(UsageError, match="was not installed"):
        install(answer=False, said=said)
    assert f"about {TORCH.download_mb} MB (several GB if" in said[-1]


def test_ctrl_c_leaves_nothing_half_done(index: Path, tmp_path: Path) -> None:
    make_index(index)
    sandbox = Sandbox(tmp_path)
    log = sandbox.home / "toolkits" / "2.3.2.log"
    done = sandbox.interrupt("toolkit", "install", "2.3.2", "--yes", when=log.exists)
    assert done.code == 130
    assert states(sandbox.home)["2.3.2"] == "not installed"
    assert not list((sandbox.home / "torch").glob("*.part"))


def test_what_pip_cannot_find(index: Path, home: Path, install: Install) -> None:
    make_index(index)
    (index / "onnx-1.18.0-py3-none-any.whl").unlink()
    with pytest.raises(UsageError, match=r"could not install what the toolkit needs: .*onnx==1\.18\.0") as caught:
        install()
    log = Path(caught.value.hint.removeprefix("the whole log is "))
    assert "$ pip install" in log.read_text()
    assert states(home)["2.3.2"] == "not installed"


def test_what_cannot_be_imported(index: Path, home: Path, install: Install) -> None:
    make_index(index, BROKEN_RKNN)
    with pytest.raises(ToolkitMissing, match="cannot be imported: ImportError: no mapping in onnx"):
        install()
    assert states(home)["2.3.2"] == "not installed"
    make_index(index)
    install()
    assert states(home)["2.3.2"] == "installed"


def test_an_interrupted_installation_is_begun_anew(index: Path, home: Path, install: Install) -> None:
    make_index(index)
    toolkit_folder("2.3.2", home).mkdir(parents=True)
    (toolkit_folder("2.3.2", home) / "half").touch()
    with pytest.raises(ToolkitMissing, match="not installed to its end"):
        find_toolkit("2.3.2", home=home)
    assert states(home)["2.3.2"].startswith("broken")
    install()
    assert states(home)["2.3.2"] == "installed"
    assert not (toolkit_folder("2.3.2", home) / "half").exists()


def test_what_is_installed_stays_where_force_fails(index: Path, home: Path, install: Install, tmp_path: Path) -> None:
    make_index(index)
    install("2.3.2")
    before = import_rknn(home, "2.3.2")
    with pytest.raises(UsageError, match="is no Python 3 interpreter"):
        install("2.3.2", torch_from=tmp_path / "nothing", force=True)
    assert import_rknn(home, "2.3.2") == before
    with pytest.raises(UsageError, match="as you said"):
        install("2.3.2", answer=False, force=True)
    assert import_rknn(home, "2.3.2") == before
    folder = toolkit_folder("2.3.2", home)  # a forced installation was killed
    shutil.copytree(folder, folder.with_name(".2.3.2.before"), symlinks=True)
    (folder / STAMP).unlink()
    with pytest.raises(UsageError, match="as you said"):
        install("2.3.2", answer=False, force=True)
    assert import_rknn(home, "2.3.2") == before
    install("2.3.2", force=True)
    assert import_rknn(home, "2.3.2") == before
    assert {path.name for path in folder.parent.iterdir() if path.is_dir()} == {"2.3.2"}


def test_two_installations_do_not_meet(home: Path, install: Install) -> None:
    holder = (
        "import sys; from pathlib import Path; from rkgraph.toolkit.install import installing\n"
        "with installing(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [os.path.realpath("/proc/self/exe"), "-c", holder, str(home)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(UsageError, match="another `rkgraph toolkit` command is at work"):
            install()
        other.communicate("")
    with installing(home):
        assert states(home)["2.3.2"] == "not installed"


def test_torch_from_without_torch(install: Install, base: Path) -> None:
    with pytest.raises(UsageError, match=r"--torch-from .*: has no torch"):
        install(torch_from=base)


def test_torch_from_nothing(install: Install, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--torch-from .*none: is no Python 3 interpreter that runs"):
        install(torch_from=tmp_path / "none")


def fake_python(path: Path, minor: int, *, torch: bool, venv: bool = True) -> Path:
    """A program that says of itself to be a Python 3."""
    said = {"version": [3, minor], "torch": {"version": "2.0", "entries": []} if torch else None}
    fails = "" if venv else "[ $1 = -m ] && { echo ensurepip is not available; exit 1; }\n"
    path.write_text(f"#!/bin/sh\n{fails}echo '{json.dumps(said)}'\n")
    path.chmod(0o755)
    return path


def test_a_python_without_wheels(home: Path, tmp_path: Path) -> None:
    request = InstallRequest(known_release("2.3.2"), home, fake_python(tmp_path / "python3.13", 13, torch=False))
    with pytest.raises(UsageError, match=r"is Python 3\.13; rknn-toolkit2 has wheels for 3\.10 to 3\.12"):
        install_toolkit(request, lambda _: True, lambda _: None)


def test_torch_of_another_python(install: Install, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is Python 3\.9, the toolkit's will be 3\."):
        install(torch_from=fake_python(tmp_path / "python3.9", 9, torch=True))


def test_an_unknown_version() -> None:
    with pytest.raises(TargetError, match=r"2\.9\.9 is not known"):
        known_release("2.9.9")


def test_a_home_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    with pytest.raises(UsageError, match="cannot be written"), installing(tmp_path / "home"):
        pass


def test_no_space(index: Path, home: Path, install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    make_index(index)
    usage = type("Usage", (), {"free": 100e6})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    with pytest.raises(UsageError, match="100 MB are free"):
        install()


def test_find_toolkit_not_installed(home: Path) -> None:
    with pytest.raises(ToolkitMissing, match="is not installed") as caught:
        find_toolkit("2.3.2", home=home)
    assert caught.value.hint == "rkgraph toolkit install 2.3.2"


def test_find_toolkit_unknown(home: Path) -> None:
    with pytest.raises(TargetError, match=r"1\.7\.5"):
        find_toolkit("1.7.5", home=home)


def test_find_toolkit_with_a_spoilt_stamp(home: Path) -> None:
    folder = toolkit_folder("2.3.2", home)
    folder.mkdir(parents=True)
    (folder / STAMP).write_text("{")
    with pytest.raises(ToolkitMissing, match="cannot be read"):
        find_toolkit("2.3.2", home=home)


def test_find_toolkit_in_an_interpreter(tmp_path: Path, index: Path, empty_environment: Path) -> None:
    make_index(index)
    shutil.copytree(empty_environment, tmp_path / "own", symlinks=True)
    python = tmp_path / "own" / "bin" / "python"
    with pytest.raises(ToolkitMissing, match="has no rknn-toolkit2"):
        find_toolkit("2.3.2", python)
    subprocess.run(
        [python, "-m", "pip", "install", "-q", "--no-deps", "rknn-toolkit2==2.3.2"], check=True, capture_output=True
    )
    assert find_toolkit("2.3.2", python).python == python
    with pytest.raises(TargetError, match=r"has rknn-toolkit2 2\.3\.2, not 2\.5\.0"):
        find_toolkit("2.5.0", python)


def test_find_toolkit_in_what_is_no_interpreter(tmp_path: Path) -> None:
    with pytest.raises(ToolkitMissing, match="cannot be run as a Python interpreter"):
        find_toolkit("2.3.2", tmp_path / "none")
