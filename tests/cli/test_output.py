"""Printing in a terminal: wrapped lines, commands that can be pasted, tables whose names stay whole."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rkgraph.cli.output import Output, command_lines, wrapped

COMMAND = "  rkgraph fix 'my model.onnx' --rules rknn-2.3.2 --shape 'a --b=<n>x4' --shape input_ids=1x256 -o fixed.onnx"


def words_of(lines: str) -> list[str]:
    """The words that a shell makes of the lines: of a backslash and a line's end it makes nothing, shlex does not."""
    return shlex.split(lines.replace(" \\\n", " "))


@pytest.mark.parametrize("width", [20, 40, 60, 80, 200])
def test_a_command_on_several_lines_is_the_same_command(width: int) -> None:
    lines = command_lines(COMMAND, width)
    assert words_of(lines) == shlex.split(COMMAND)
    assert all(line.startswith("  ") for line in lines.splitlines())
    assert all(line.endswith(" \\") for line in lines.splitlines()[:-1])
    assert len(lines.splitlines()) == 1 if width == 200 else len(lines.splitlines()) > 1


def test_lines_of_a_command_fit_where_its_words_do() -> None:
    assert max(map(len, command_lines(COMMAND, 60).splitlines())) <= 60


@given(
    st.lists(st.text(st.characters(codec="ascii", exclude_characters="\r\0"), min_size=1), min_size=1),
    st.integers(20, 99),
)
def test_any_words_are_kept(words: list[str], width: int) -> None:
    assert words_of(command_lines(shlex.join(words), width)) == words


def test_an_unclosed_quote_is_left_as_it_is() -> None:
    assert command_lines("rkgraph lint don't --verbose", 10) == "rkgraph lint don't --verbose"


def test_long_lines_are_indented_where_they_go_on() -> None:
    assert wrapped("  a bb ccc dddd", 9).splitlines() == ["  a bb", "      ccc", "      dddd"]
    assert wrapped("short", 9) == "short"


def test_words_longer_than_the_terminal_are_not_broken() -> None:
    assert wrapped("at /model/encoder/layer.0", 10).splitlines() == ["at", "    /model/encoder/layer.0"]


def test_a_table_is_not_cut_where_the_terminal_is_narrow(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    for width in ("40", "120"):
        monkeypatch.setenv("COLUMNS", width)
        Output().table(("code", "name"), [("RK101", "no-board-kernel-operator-of-a-long-name")], whole=(0, 1))
        text = capsys.readouterr().out
        assert "RK101" in text
        assert "no-board-kernel-operator-of-a-long-name" in text
