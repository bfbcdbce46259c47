"""Names of files and what stands in them for sequence and stem."""

from __future__ import annotations

import pytest

from trainables.domains.patterns import LABELS, Key, Pattern, mistake_in


@pytest.mark.parametrize(
    ("text", "path", "key", "name"),
    [
        ("a/{stem}", "a/x.y.JPG", ("", "x.y"), "x.y"),
        ("a/{stem}.png", "a/x.PNG", ("", "x"), "x"),
        ("a/{stem}.png", "a/x.jpg", None, "x.jpg"),
        ("a/{sequence}/rgb/{stem}", "a/s1/rgb/7.png", ("s1", "7"), "s1/7"),
        ("a/{sequence}/{stem}_rgb", "a/ulm/ulm_7_rgb.png", ("ulm", "ulm_7"), "ulm_7_rgb"),
        ("a/{sequence}/{stem}_rgb", "a/ulm/ulm_7.png", None, "ulm/ulm_7"),
        ("a/{sequence}_{stem}", "a/0016E5_07_9.png", ("0016E5", "07_9"), "0016E5_07_9"),
        ("a/*/{stem}", "a/anything/7.png", ("", "7"), "7"),
        ("a/*/{stem}", "a/any/thing/7.png", None, "7"),
        ("{stem}", "7.png", ("", "7"), "7"),
        ("a.b/{stem}", "axb/7.png", None, "7"),
    ],
)
def test_a_name_has_a_sequence_and_a_stem(text: str, path: str, key: tuple[str, str] | None, name: str) -> None:
    pattern = Pattern(text)
    assert pattern.key(path) == (None if key is None else Key(*key))
    if key is not None:
        assert pattern.name(path) == name


def test_the_folder_is_what_all_names_have_in_common() -> None:
    pattern = Pattern("a/{split}/b/{sequence}/c/{stem}.png", LABELS).at("val")
    assert (pattern.folder, pattern.parts) == ("a/val/b", ("{sequence}", "c", "{stem}"))
    assert pattern.shown(Key("s", "7")) == "s/c/7"
    assert pattern.endings == {".png"}
    assert Pattern("a/{stem}", LABELS).endings == LABELS


@pytest.mark.parametrize("text", ["a/{stem}", "{stem}.png", "a/*/{sequence}/x_{stem}_y.tif", "{split}/{stem}"])
def test_a_pattern_names_files_below_the_data_root(text: str) -> None:
    assert mistake_in(text) is None


@pytest.mark.parametrize("text", ["", "/a/{stem}", "a//{stem}", "./{stem}", "a/{stem}{stem}", "a*b*c*d*e*{stem}"])
def test_what_is_no_pattern_is_refused(text: str) -> None:
    assert mistake_in(text)
