from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from rkgraph.config.reading import find_config, read_config
from rkgraph.config.settings import effective
from rkgraph.diagnostics import Safety, Severity
from rkgraph.errors import UsageError

FULL = """\
target = "rk3576"
precision = "fp16"
allow = ["split", "approximate"]
select = ["RK1", "RK605"]
ignore = ["RK101"]
calibration = "samples/a.npz"
baseline = "known.json"
fail-on = "warning"
shape = { images = "1x3x64x64", mask = [1, 8] }
[dim]
batch = 1
[severity]
RK6 = "note"
rank-four-cache = "error"
[[suppress]]
code = "RK605"
fingerprint = ["0123456789abcdef", "0123456789abcdef#*"]
reason = "no cache on our boards"
expires = 2031-02-03
[model."det/*.onnx"]
target = "rk3588"
ignore = ["RK102"]
[model."*.int8.onnx"]
precision = "w8a8"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_all_keys_are_read(folder: Path) -> None:
    (folder / "rkgraph.toml").write_text(FULL)
    settings = effective(read_config(folder / "rkgraph.toml").of(None))
    assert (settings.target, settings.precision, settings.fail_on) == ("rk3576", "fp16", Severity.WARNING)
    assert settings.allow == {Safety.SPLIT, Safety.APPROXIMATE}
    assert settings.shapes == {"images": (1, 3, 64, 64), "mask": (1, 8)}
    assert settings.dims == {"batch": 1}
    assert settings.calibration == folder / "samples/a.npz"
    assert settings.baseline == folder / "known.json"
    assert settings.listed is not None
    assert "RK605" in settings.listed
    assert "RK102" in settings.listed
    assert not {"RK101", "RK601"} & settings.listed
    assert settings.severities["RK605"] is Severity.ERROR
    assert settings.severities["RK601"] is Severity.NOTE
    one, family = settings.suppressions
    assert (one.code, one.fingerprint, one.expires) == ("RK605", "0123456789abcdef", date(2031, 2, 3))
    assert family.fingerprint == "0123456789abcdef#*"
    assert one.source == "rkgraph.toml:15"
    assert settings.sources["target"] == "rkgraph.toml:1"
    assert settings.sources["fail-on"] == "rkgraph.toml:8"


@pytest.mark.parametrize(
    ("model", "target", "precision"),
    [("det/a.onnx", "rk3588", "fp16"), ("a.onnx", "rk3576", "fp16"), ("x/y.int8.onnx", "rk3576", "w8a8")],
)
def test_sections_are_for_some_models(folder: Path, model: str, target: str, precision: str) -> None:
    (folder / "rkgraph.toml").write_text(FULL)
    settings = effective(read_config(folder / "rkgraph.toml").of(Path(model)))
    assert (settings.target, settings.precision) == (target, precision)
    assert settings.listed is not None
    assert ("RK102" in settings.listed) is (target != "rk3588")


def test_pyproject_has_the_same_in_a_table_of_its_own(folder: Path) -> None:
    header = (
        "[project]\nname = 'x'\n[tool.rkgraph]\ntarget = 'rk3562'\n[tool.rkgraph.model.'a.onnx']\ntarget = 'rk3566'\n"
    )
    (folder / "pyproject.toml").write_text(header)
    config = read_config(folder / "pyproject.toml")
    assert effective(config.of(None)).target == "rk3562"
    assert effective(config.of(Path("a.onnx"))).target == "rk3566"
    assert effective(config.of(Path("a.onnx"))).sources["target"] == "pyproject.toml:6"


def test_the_nearest_file_counts_alone(folder: Path) -> None:
    inner = folder / "a" / "b"
    inner.mkdir(parents=True)
    assert find_config(inner) is None or folder not in find_config(inner).parents  # type: ignore[union-attr]
    (folder / "rkgraph.toml").write_text("")
    (folder / "a" / "pyproject.toml").write_text("[tool.other]\n# rkgraph is named here, and has no table\n")
    assert find_config(inner) == folder / "rkgraph.toml"
    (folder / "a" / "pyproject.toml").write_text("[tool.rkgraph]\n")
    assert find_config(inner) == folder / "a" / "pyproject.toml"
    (folder / "a" / "rkgraph.toml").write_text("")
    assert find_config(inner) == folder / "a" / "rkgraph.toml"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("\ntraget = 'x'", "rkgraph.toml:2: unknown key 'traget'", "did you mean target?"),
        ("fail_on = 'error'", "rkgraph.toml:1: unknown key 'fail_on'", "did you mean fail-on?"),
        ("zzz = 1", "unknown key 'zzz'", "known are: target"),
        ("target = 3", "rkgraph.toml:1: 3 must be text", ""),
        ("fail-on = 'eror'", "'eror' is none of its values", "error, warning, note"),
        ("allow = ['safe']", "'safe' is none of its values", "split"),
        ("select = 'RK1'", "must be a list", "RK605"),
        ("ignore = ['RK777']", "rkgraph.toml:1: there is no rule 'RK777'", ""),
        ("[shape]\nx = [0]", "rkgraph.toml:2: [0] is no shape", "1x256"),
        ("[dim]\nx = true", "rkgraph.toml:2: True is no size", ""),
        ("[severity]\nRK1 = 'off'", "rkgraph.toml:2: 'off' is no severity", "`ignore`"),
        ("[rule.RK101]\nx = 1", "rkgraph.toml:2: RK101 has no option 'x'", "rkgraph rule RK101"),
        ("[rule]\nRK101 = 3", "must be a table", "rkgraph rule"),
        ("[[suppress]]\ncode = 'RK101'", "needs its fingerprint", "--verbose"),
        ("[[suppress]]\ncode = 'RK101'\nfingerprint = '0123456789abcdef'", "needs its reason", "why"),
        ("[[suppress]]\ncode = 'RK101'\nfingerprint = '0123456789abcdef'\nreason = ' '", ":4: a suppression", "why"),
        ("[[suppress]]\ncode = 'RK101'\nreason = 'x'\nfingerprint = 'xyz'", ":4: 'xyz' is no fingerprint", "#*"),
        ("[[suppress]]\ncod = 'RK101'", "rkgraph.toml:2: unknown key 'cod'", "code"),
        (
            "[[suppress]]\ncode = 'RK101'\nfingerprint = '0123456789abcdef'\nreason = 'x'\nexpires = 'soon'",
            ":5: 'soon' is no date",
            "2027",
        ),
        ("model = 3", "must have a table for each glob", "[model."),
        ("[model.'a.onnx']\nbaseline = 'x'", "rkgraph.toml:2: baseline cannot differ", "top"),
        ("[model.'a.onnx'.model.'b']\n", "unknown key 'model'", ""),
        ("a = ", "rkgraph.toml: is no TOML", "--isolated"),
    ],
)
def test_what_is_wrong_is_told_with_file_line_and_mend(folder: Path, text: str, message: str, hint: str) -> None:
    path = folder / "rkgraph.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_config(path)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_file_that_is_not_there_or_no_text_is_told(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"no\.toml: cannot be read"):
        read_config(folder / "no.toml")
    (folder / "rkgraph.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="is no TOML"):
        read_config(folder / "rkgraph.toml")


def test_a_stronger_toolkit_takes_the_place_of_a_weaker_rule_set(folder: Path) -> None:
    path = folder / "rkgraph.toml"
    path.write_text("rules = 'rknn-2.3.2'\n[model.'a.onnx']\ntoolkit = '2.3.0'\n")
    settings = effective(read_config(path).of(Path("a.onnx")))
    assert (settings.rules, settings.toolkit) == (None, "2.3.0")
