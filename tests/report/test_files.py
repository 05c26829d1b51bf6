"""Files are written whole or not at all."""

from __future__ import annotations

import os
import stat

import pytest

from mcusim.report import ReportError, check_writable, files, write_atomically


def test_text_and_bytes_arrive(tmp_path):
    write_atomically(tmp_path / "a", "größe\n")
    write_atomically(tmp_path / "b", b"\0\xff")
    assert (tmp_path / "a").read_bytes() == "größe\n".encode()
    assert (tmp_path / "b").read_bytes() == b"\0\xff"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_new_file_has_the_usual_permissions(tmp_path):
    mask = os.umask(0o022)
    try:
        write_atomically(tmp_path / "a", "x")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o644


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("old")

    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "replace", fail)
    with pytest.raises(ReportError, match="a: cannot be written: No space left"):
        write_atomically(tmp_path / "a", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "old"


def test_interrupted_write_leaves_nothing_behind(tmp_path, monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "a", "new")
    assert list(tmp_path.iterdir()) == []


def test_link_stays_a_link(tmp_path):
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write_atomically(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_text() == "new"


def test_device_is_written_to_and_not_replaced(tmp_path):
    write_atomically("/dev/null", "x")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.parametrize(("path", "expected"), [("missing/file", "there is no folder"), ("", "it is a folder")])
def test_unwritable_place_is_noticed_before(tmp_path, path, expected):
    with pytest.raises(ReportError, match=expected):
        check_writable(tmp_path / path)
    with pytest.raises(ReportError, match="cannot be written"):
        write_atomically(tmp_path / path, "x")


@pytest.mark.parametrize("path", ["/proc/report.json", "/sys/report.json"])
def test_place_that_lets_nobody_write_is_noticed_before_even_by_root(path):
    with pytest.raises(ReportError, match=f"{path}: cannot be written: "):
        check_writable(path)


def test_writable_place_is_accepted_and_left_untouched(tmp_path):
    check_writable(tmp_path / "new")
    check_writable("/dev/null")
    assert list(tmp_path.iterdir()) == []
