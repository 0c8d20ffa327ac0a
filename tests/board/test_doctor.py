"""The doctor on boards that look like real ones: trees of /sys, /dev and /usr/lib in a folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rkgraph.board import doctor
from rkgraph.board.doctor import check_model, examine_board
from rkgraph.board.facts import board_facts
from rkgraph.board.look import devices, libraries, version_key
from rkgraph.runtime.rknn_header import RknnHeader
from rkgraph.toolkit.doctor import Check

LIBRARY = b"\x7fELF" + bytes(3 << 20) + b"\0librknnrt version: 2.3.2 (429f97ae6b@2025-04-09T09:09:27)\0"


def write(root: Path, path: str, content: str | bytes = b"") -> Path:
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content.encode() if isinstance(content, str) else content)
    return target


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An rk3588 as its vendor ships it: the DRM driver, a readable debugfs, the runtime of 2.3.2."""
    write(tmp_path, "proc/device-tree/compatible", b"radxa,rock-5b\0rockchip,rk3588\0")
    for name, driver in (("renderD128", "panthor"), ("card1", "RKNPU"), ("renderD129", "RKNPU")):
        write(tmp_path, f"sys/class/drm/{name}/device/uevent", f"DRIVER={driver}\nOF_NAME=npu\n")
        write(tmp_path, f"dev/dri/{name}")
    write(tmp_path, "sys/kernel/debug/rknpu/version", "RKNPU driver: v0.9.8\n")
    write(tmp_path, "sys/kernel/debug/rknpu/load", "NPU load:  Core0:  0%, Core1:  0%, Core2:  0%,\n")
    write(tmp_path, "sys/class/devfreq/fdab0000.npu/cur_freq", "1000000000\n")
    write(tmp_path, "usr/lib/librknnrt.so", LIBRARY)
    return tmp_path


def look(root: Path, allowed: Callable[[Path], bool] = lambda _path: True) -> dict[str, list[Check]]:
    found: dict[str, list[Check]] = {}
    for check in examine_board(root, allowed=allowed):
        found.setdefault(check.name, []).append(check)
    return found


def states(root: Path) -> dict[str, str]:
    return {name: checks[-1].state for name, checks in look(root).items()}


def header(platform: str = "rk3588", toolkit: str = "2.3.2") -> RknnHeader:
    return RknnHeader(6, platform, toolkit, (), ())


def test_a_board_that_is_well(root: Path) -> None:
    found = look(root)
    assert {check.state for checks in found.values() for check in checks} == {"ok"}
    assert [check.detail.partition(",")[0] for check in found["NPU device"]] == [
        "/dev/dri/card1",
        "/dev/dri/renderD129",
    ]
    assert found["board"][0].detail == "rk3588"
    assert found["NPU driver"][0].detail == "0.9.8"
    assert found["NPU load"][0].detail.startswith("NPU load: Core0: 0%")
    assert found["NPU frequency"][0].detail == "1000 MHz"
    assert found["librknnrt.so"][0].detail == "2.3.2, /usr/lib/librknnrt.so"


def test_what_is_no_board_is_told_in_a_line(tmp_path: Path) -> None:
    (check,) = examine_board(tmp_path)
    assert (check.state, check.name) == ("optional", "board")
    write(tmp_path, "proc/device-tree/compatible", b"raspberrypi,4-model-b\0brcm,bcm2711\0")
    assert [check.name for check in examine_board(tmp_path)] == ["board"]


def test_no_device_no_runtime(root: Path) -> None:
    for path in root.glob("dev/dri/*"):
        path.unlink()
    (root / "usr/lib/librknnrt.so").unlink()
    assert (states(root)["NPU device"], states(root)["librknnrt.so"]) == ("missing", "missing")
    write(root, "dev/rknpu")
    assert look(root)["NPU device"][0].detail.startswith("/dev/rknpu, group ")


def test_the_mainline_driver_is_of_no_use_to_the_runtime(root: Path) -> None:
    for path in root.glob("sys/class/drm/*/device/uevent"):
        path.write_text("DRIVER=panthor\n")
    write(root, "sys/class/accel/accel0/device/uevent", "DRIVER=rocket\n")
    write(root, "dev/accel/accel0")
    (check,) = look(root)["NPU device"]
    assert check.state == "broken"
    assert "/dev/accel/accel0 is of the mainline driver rocket" in check.detail


def test_a_driver_known_by_its_link_only(root: Path) -> None:
    entry = root / "sys/class/drm/renderD129/device"
    (entry / "uevent").unlink()
    (root / "sys/bus/drivers/RKNPU").mkdir(parents=True)
    (entry / "driver").symlink_to("../../../../bus/drivers/RKNPU")
    assert [node.path.name for node in devices(root, board_facts())] == ["card1", "renderD129"]


def test_a_closed_device_names_the_group(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_group", lambda _path: "render")
    check = look(root, lambda path: path.name != "renderD129")["NPU device"][-1]
    assert (check.state, check.mend) == ("broken", "sudo usermod -aG render $USER, and log in again")
    assert "failed to open rknpu module" in check.detail
    monkeypatch.setattr(doctor, "_group", lambda _path: "root")
    assert 'KERNEL=="card1"' in look(root, lambda _path: False)["NPU device"][0].mend


def test_debugfs_that_is_closed_is_no_fault(root: Path) -> None:
    for name in ("version", "load"):
        (root / "sys/kernel/debug/rknpu" / name).unlink()
        (root / "sys/kernel/debug/rknpu" / name).mkdir()  # it is there, and cannot be read
    found = look(root)
    assert found["NPU driver"][0].state == found["NPU load"][0].state == "optional"
    assert found["NPU driver"][0].mend == "sudo cat /sys/kernel/debug/rknpu/version"
    write(root, "proc/rknpu/version", "RKNPU driver: v0.9.2")
    assert look(root)["NPU driver"][0].detail == "0.9.2"


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"<!DOCTYPE html>", "is no library"), (b"\x7fELF and nothing else", "tells no version")],
)
def test_a_runtime_that_is_none(root: Path, content: bytes, words: str) -> None:
    write(root, "usr/lib/librknnrt.so", content)
    (check,) = look(root)["librknnrt.so"]
    assert check.state == "broken"
    assert words in check.detail


def test_two_runtimes_that_differ(root: Path) -> None:
    write(root, "usr/local/lib/librknnrt.so", LIBRARY.replace(b"2.3.2", b"1.4.0"))
    (root / "usr/lib64").symlink_to("lib")  # the same file twice is one
    (check,) = look(root)["runtimes"]
    assert check.state == "broken"
    assert "/usr/lib/librknnrt.so 2.3.2, /usr/local/lib/librknnrt.so 1.4.0" in check.detail


def test_lite_newer_than_the_runtime(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_lite", lambda: "2.5.0")
    (check,) = look(root)["runtimes"]
    assert "rknn-toolkit-lite2 2.5.0 is newer than the runtime 2.3.2" in check.detail
    assert "/v2.5.0/" in check.mend


def test_small_platforms_have_a_runtime_of_their_own(root: Path) -> None:
    write(root, "proc/device-tree/compatible", b"rockchip,rv1106g-evb\0rockchip,rv1106\0")
    assert states(root)["librknnmrt.so"] == "missing"
    write(root, "oem/usr/lib/librknnmrt.so", LIBRARY.replace(b"librknnrt", b"librknnmrt"))
    assert look(root)["librknnmrt.so"][0].detail == "2.3.2, /oem/usr/lib/librknnmrt.so"


@pytest.mark.parametrize(
    ("platform", "toolkit", "state", "words"),
    [
        ("rk3588", "2.3.2", "ok", "the runtime is 2.3.2"),
        ("rk3588", "2.2.0", "ok", "the runtime is 2.3.2"),
        ("rk3588", "2.5.0", "broken", "Invalid RKNN model version"),
        ("rk3576", "2.3.2", "broken", "is for rk3576, and this board is rk3588"),
        ("rk99\x1b[31m", "2.3.2", "broken", "is for rk99\\u001b"),
        ("rk3588", "2.9.x\n", "broken", "2.9.x"),
    ],
)
def test_a_model_is_held_against_the_board(root: Path, platform: str, toolkit: str, state: str, words: str) -> None:
    (check,) = check_model(Path("m.rknn"), header(platform, toolkit), root)
    assert check.state == state
    assert words in check.detail
    assert "\n" not in check.detail + check.mend


def test_a_model_without_board_or_runtime(root: Path, tmp_path: Path) -> None:
    (check,) = check_model(Path("m.rknn"), header(), tmp_path / "nowhere")
    assert check.state == "optional"
    (root / "usr/lib/librknnrt.so").unlink()
    (check,) = check_model(Path("m.rknn"), header(), root)
    assert (check.state, "no runtime is there" in check.detail) == ("broken", True)


def test_twins_run_the_same_models(root: Path) -> None:
    write(root, "proc/device-tree/compatible", b"rockchip,rk3568\0")
    (check,) = check_model(Path("m.rknn"), header("rk3566"), root)
    assert check.state == "ok"


def test_a_version_across_two_pieces_is_found(tmp_path: Path) -> None:
    words = b"librknnrt version: 2.3.2 (x)"
    for cut in (1, 10, len(words) - 4):
        write(tmp_path, "usr/lib/librknnrt.so", b"\x7fELF".ljust((1 << 20) - cut, b"\0") + words)
        assert [each.version for each in libraries(tmp_path, board_facts())] == ["2.3.2"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=80), st.sampled_from(["version", "load", "freq", "uevent", "library", "compatible"]))
def test_whatever_files_hold_there_is_an_answer(root: Path, noise: bytes, where: str) -> None:
    places = {
        "version": "sys/kernel/debug/rknpu/version",
        "load": "sys/kernel/debug/rknpu/load",
        "freq": "sys/class/devfreq/fdab0000.npu/cur_freq",
        "uevent": "sys/class/drm/renderD129/device/uevent",
        "library": "usr/lib/librknnrt.so",
        "compatible": "proc/device-tree/compatible",
    }
    write(root, places[where], noise)
    checks = list(examine_board(root))
    assert checks
    assert all("\x1b" not in check.detail and "\n" not in check.detail for check in checks)


def test_versions_compare_by_number() -> None:
    assert version_key("2.10.0") > version_key("2.9.1") > version_key("2.0.0b0") == (2, 0, 0)


def test_every_advice_has_a_source() -> None:
    for advice in board_facts().advice.values():
        assert advice.says
        assert all(source.startswith("https://") for source in advice.sources)
