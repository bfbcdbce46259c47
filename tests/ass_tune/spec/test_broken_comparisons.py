"""Files whose seeds, comparisons or controls are wrong, each with its exact message."""

from __future__ import annotations

from collections.abc import Callable

import pytest

HEAD = """\
study: s
trainable: ass
domains: streets
profile: laptop
train: {iterations: 40, evaluate_every: 10}
ablate: {adaptor: [ga, ga+csa], labeled_images: [5, 20]}
"""
"""What every file below starts with; its own part begins on line 7."""

BROKEN = {
    "a seed that searches and is in the table": (
        """\
search: {train_seeds: [7, 0]}
replicate: {seeds: [0, 1, 7]}""",
        "x.yaml:7: search.train_seeds: found 0, 7, also in replicate.seeds (x.yaml:8); allowed: seeds that are not in "
        "both, or protocol: paper",
    ),
    "the default seed that searches in the table": (
        "replicate: {seeds: [999, 1000]}",
        "x.yaml:7: replicate.seeds: found 1000, also in search.train_seeds (its default); allowed: seeds that are not "
        "in both, or protocol: paper",
    ),
    "seeds of a search under the paper's protocol": (
        """\
protocol: paper
search: {train_seeds: [7]}""",
        "x.yaml:8: search.train_seeds: found [7] with protocol: paper, under which the first of replicate.seeds "
        "searches; allowed: protocol: split, or no train_seeds",
    ),
    "no seed for the search, one of them twice, one below 0": (
        "search: {train_seeds: []}",
        "x.yaml:7: search.train_seeds: found an empty list; allowed: at least 1 value(s)",
    ),
    "a seed twice": (
        "search: {train_seeds: [7, 7]}",
        "x.yaml:7: search.train_seeds[1]: found 7 a second time, first in place 1 of the list; allowed: once",
    ),
    "pairs of unknown factors and levels": (
        """\
compare:
  pairs:
    - {ours: {adaptr: ga+csa}, theirs: {adaptor: g}}""",
        "x.yaml:9: compare.pairs[0].ours.adaptr: not a factor; allowed: adaptor, labeled_images; did you mean "
        "'adaptor'?",
        "x.yaml:9: compare.pairs[0].theirs.adaptor: found 'g'; allowed: levels of ablate.adaptor: ga, ga+csa; did you "
        "mean 'ga'?",
    ),
    "a pair with one side, and one with others": (
        """\
compare:
  pairs:
    - {ours: {adaptor: ga+csa}}
    - {ours: {adaptor: ga+csa}, their: {adaptor: ga}}""",
        "x.yaml:9: compare.pairs[0].theirs: missing required key (Levels in which the cells that they are compared "
        "with differ; all other factors are equal)",
        "x.yaml:10: compare.pairs[1].their: unknown key; allowed: ours, theirs; did you mean 'theirs'?",
        "x.yaml:10: compare.pairs[1].theirs: missing required key (Levels in which the cells that they are compared "
        "with differ; all other factors are equal)",
    ),
    "a pair of a cell with itself": (
        "compare: {pairs: [{ours: {adaptor: ga, labeled_images: 5}, theirs: {adaptor: ga}}]}",
        "x.yaml:7: compare.pairs[0].theirs: found no level that differs from ours; allowed: at least one, all other "
        "factors are equal anyway",
    ),
    "a pair in both directions": (
        """\
compare:
  pairs:
    - {ours: {adaptor: ga+csa}, theirs: {adaptor: ga}}
    - {ours: {adaptor: ga}, theirs: {adaptor: ga+csa}}""",
        "x.yaml:10: compare.pairs[1]: found a second time, first in place 1 of the list; allowed: once",
    ),
    "no pairs, and no difference": (
        "compare: {pairs: [], smallest_difference: 0, over: ga}",
        "x.yaml:7: compare.over: unknown key; allowed: pairs, smallest_difference",
        "x.yaml:7: compare.pairs: found an empty list; allowed: at least 1 value(s)",
        "x.yaml:7: compare.smallest_difference: found 0; allowed: a number above 0",
    ),
    "a control that is no factor": (
        """\
baseline: {adaptor: ga}
control: {lr_sd: 0}""",
        "x.yaml:8: control.lr_sd: not a factor; allowed: adaptor, labeled_images",
    ),
    "a control level that is not there": (
        """\
baseline: {adaptor: ga}
control: {adaptor: csa}""",
        "x.yaml:8: control.adaptor: found 'csa'; allowed: levels of ablate.adaptor: ga, ga+csa; did you mean 'ga+csa'?",
    ),
    "seeds until something is decided, without a number, a second seed or a comparison": (
        "replicate: {seeds: [4], until: decided}",
        "x.yaml:7: replicate.seeds: found 1 seed to begin with, which decides nothing; allowed: at least 2 seeds with "
        "until: decided",
        "x.yaml:7: replicate.until: found decided without at_most; allowed: with the number of seeds that a cell gets "
        "at most",
        "x.yaml:7: replicate.until: found decided, but nothing that is compared; allowed: with baseline or "
        "compare.pairs",
    ),
    "no more seeds than there are to begin with": (
        """\
baseline: {adaptor: ga}
replicate: {seeds: 3, at_most: 3, until: decided}""",
        "x.yaml:8: replicate.at_most: found 3 with 3 seeds to begin with; allowed: more than these",
    ),
    "a number of seeds at most, and nothing that says until when": (
        "replicate: {seeds: 3, at_most: 12}",
        "x.yaml:7: replicate.at_most: found 12 without until; allowed: with until: decided",
    ),
    "no seed, and something else to wait for": (
        "replicate: {seeds: 0, until: tuesday}",
        "x.yaml:7: replicate.seeds: found 0; allowed: a number of seeds from 1 to 100, or a list of seeds",
        "x.yaml:7: replicate.until: found 'tuesday'; allowed: decided",
    ),
    "a further seed that searches": (
        """\
baseline: {adaptor: ga}
search: {train_seeds: [5]}
replicate: {seeds: 3, at_most: 6, until: decided}""",
        "x.yaml:8: search.train_seeds: found 5, also in replicate.seeds (x.yaml:9); allowed: seeds that are not in "
        "both, or protocol: paper",
    ),
    "an unknown design": (
        "design: one_at_time",
        "x.yaml:7: design: found 'one_at_time'; allowed: product, one_at_a_time or leave_one_out; did you mean "
        "'one_at_a_time'?",
    ),
    "a design of single factors without a baseline": (
        "design: one_at_a_time",
        "x.yaml:7: design: found one_at_a_time without a baseline; allowed: product, or a baseline whose factors are "
        "varied",
    ),
    "a control of nothing": (
        "control: {adaptor: ga}",
        "x.yaml:7: control: found a control, but nothing that is compared; allowed: with baseline or compare.pairs",
    ),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_a_file_of_wrong_comparisons_is_refused_with_its_message(
    broken: tuple[str, ...], mistakes_of: Callable[..., list[str]]
) -> None:
    text, *expected = broken
    assert mistakes_of(HEAD + text + "\n") == expected


def test_a_control_whose_factor_has_no_other_level_is_refused(mistakes_of: Callable[..., list[str]]) -> None:
    text = HEAD.replace("labeled_images: [5, 20]", "labeled_images: [5]") + "baseline: {adaptor: ga}\n"
    assert mistakes_of(f"{text}control: {{labeled_images: 5}}\n") == [
        "x.yaml:8: control.labeled_images: found 5, the only level of ablate.labeled_images; allowed: one of several "
        "levels"
    ]


def test_an_override_that_adds_the_seed_of_the_search_to_the_table_is_refused(
    mistakes_of: Callable[..., list[str]],
) -> None:
    assert mistakes_of(HEAD, ("replicate.seeds=[0, 1000]",)) == [
        "--set replicate.seeds: found 1000, also in search.train_seeds (its default); allowed: seeds that are not in "
        "both, or protocol: paper"
    ]


def test_a_whole_method_has_two_levels_of_each_factor_and_a_control_outside(
    mistakes_of: Callable[..., list[str]],
) -> None:
    text = HEAD.replace("labeled_images: [5, 20]", "labeled_images: [5, 20, 50]")
    text += "design: leave_one_out\nbaseline: {adaptor: ga, labeled_images: 5}\ncontrol: {adaptor: ga}\n"
    assert mistakes_of(text) == [
        "x.yaml:7: design: found leave_one_out, but ablate.labeled_images has 3 level(s); allowed: two, the baseline's "
        "and that of the whole method, or design: one_at_a_time",
        "x.yaml:9: control.adaptor: found a level of adaptor, which the baseline names too, so that no cell but one "
        "has its control; allowed: with design: product, or another factor",
    ]
