"""Files that are broken as YAML or rely on surprises of YAML, each with its exact message."""

from __future__ import annotations

from collections.abc import Callable

import pytest

HEAD = """\
study: s
trainable: ass
domains: streets
profile: laptop
train: {iterations: 40, evaluate_every: 10}
fixed: {adaptor: ga+csa, labeled_images: 20}
"""
"""What every file below starts with; its own part begins on line 7."""

BROKEN = {
    "a key twice": (
        """\
tune:
  lr: {type: uniform, low: 0.1, high: 1}
  lr: {type: uniform, low: 0.2, high: 1}
search: {trials_per_cell: 2}""",
        "x.yaml:9: tune.lr: found the key a second time, first on line 8; allowed: once",
    ),
    "infinity": (
        "search: {trials_per_cell: .inf}",
        "x.yaml:7: search.trials_per_cell: found .inf; allowed: finite numbers",
    ),
    "not a number": (
        """\
tune: {lr: {type: uniform, low: .nan, high: 2}}
search: {trials_per_cell: 2}""",
        "x.yaml:7: tune.lr.low: found .nan; allowed: finite numbers",
    ),
    "a tag": (
        "search: !!python/object:os.system {trials_per_cell: 2}",
        "x.yaml:7: found the tag !!python/object:os.system; allowed: no tags",
    ),
    "a key that is a number": (
        "ablate: {5: [1, 2]}",
        "x.yaml:7: ablate: found 5 as a key; allowed: text",
    ),
    "a key that is a list": (
        "ablate: {[a]: [1, 2]}",
        "x.yaml:7: ablate: found a list or mapping as a key; allowed: text",
    ),
    "an alias that is not there": (
        "ablate: {lr: *rates}",
        "x.yaml:7: found text that is not YAML: found undefined alias 'rates'",
    ),
    "text that is not YAML": (
        "ablate: {lr: [1, 2}",
        "x.yaml:7: found text that is not YAML: while parsing a flow sequence, expected ',' or ']', but got '}'",
    ),
    "a tab": (
        """\
ablate:
\tlr: [1, 2]""",
        (
            "x.yaml:8: found text that is not YAML: while scanning for the next token, found character '\\t' "
            "that cannot start any token"
        ),
    ),
    "deep nesting": (
        "ablate: {lr: [[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]}",
        "x.yaml:7: found more than 20 levels of nesting; allowed: at most 20",
    ),
    "a second document": (
        """\
---
study: t""",
        "x.yaml:7: found text that is not YAML: expected a single document in the stream, but found another document",
    ),
    "a merge key": (
        "search: {<<: 1, trials_per_cell: 2}",
        "x.yaml:7: search.<<: unknown key; allowed: sampler, trials_per_cell, train_seeds, screen, keep, finalists, "
        "seed, arguments",
    ),
    "yes is text": (
        """\
tune: {lr: {type: int, low: 1, high: 2, log: yes}}
search: {trials_per_cell: 2}""",
        "x.yaml:7: tune.lr.log: found 'yes'; allowed: true or false",
    ),
    "a flood of values": (
        f"ablate: {{lr: [{'1, ' * 2000}]}}",
        "x.yaml:7: found more than 2000 values; allowed: fewer",
    ),
    "aliases that nest": (
        "a: &a " + "[" * 15 + "1" + "]" * 15 + "\nb: " + "[" * 15 + "*a" + "]" * 15,
        "x.yaml:7: b[0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0]: found aliases that nest more than 20 "
        "levels; allowed: fewer",
    ),
    "an alias of itself": (
        "ablate: &a {lr: *a}",
        "x.yaml:7: ablate.lr: found aliases that unfold to more than 2000 values; allowed: fewer",
    ),
    "an escaped character that there is not": (
        """\
protocol: "\\U00110000\"""",
        "x.yaml:7: found text that is not YAML: a number that is too large",
    ),
    "an escaped character with a number too large for a machine": (
        """\
protocol: "\\UFFFFFFFF\"""",
        "x.yaml:7: found text that is not YAML: a number that is too large",
    ),
    "half of a character": (
        """\
tune: {backbone_weights: {type: choice, values: [none, "\\ud800"]}}
search: {trials_per_cell: 2}""",
        "x.yaml:7: tune.backbone_weights.values[1]: found the character 0xd800; allowed: printable text in one line",
    ),
    "text of several lines": (
        """\
ablate:
  backbone_weights:
    - |
      none
      of these""",
        "x.yaml:9: ablate.backbone_weights[0]: found the character 0x0a; allowed: printable text in one line",
    ),
    "text that turns around what follows": (
        'protocol: "split\\u202e"',
        "x.yaml:7: protocol: found the character 0x202e; allowed: printable text in one line",
    ),
    "a key that writes to the terminal": (
        '"\\e[2J": 1',
        "x.yaml:7: found the character 0x1b; allowed: printable text in one line",
        "x.yaml:7: \N{REPLACEMENT CHARACTER}[2J: unknown key; allowed: extends, study, trainable, domains, profile, "
        "protocol, baseline, compare, control, ablate, design, tune, fixed, search, prune, replicate, "
        "train, resources, faults, trackers, checkpoints",
    ),
    "a number of many digits": (
        f"search: {{seed: {'1' * 400}}}",
        f"x.yaml:7: search.seed: found {'1' * 57}...; allowed: finite numbers",
    ),
    "an alias of a long name": (
        f"protocol: *{'a' * 400}",
        f"x.yaml:7: found text that is not YAML: found undefined alias '{'a' * 174}...",
    ),
    "a tag with an escaped character": (
        "protocol: !<tag:%1b[31m> split",
        "x.yaml:7: found the tag tag:\N{REPLACEMENT CHARACTER}[31m; allowed: no tags",
    ),
    "a tag of Python": (
        "protocol: !!python/object/apply:os.system [echo broken]",
        "x.yaml:7: found the tag !!python/object/apply:os.system; allowed: no tags",
    ),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_a_file_of_broken_yaml_is_refused_with_its_message(
    broken: tuple[str, ...], mistakes_of: Callable[[str], list[str]]
) -> None:
    text, *expected = broken
    assert mistakes_of(HEAD + text + "\n") == expected
