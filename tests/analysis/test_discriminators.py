from __future__ import annotations

import numpy as np
import pytest

from analysis.discriminators import flag_of, health, summary
from analysis.figures.discriminators import discriminator_accuracies
from tests.support.synthetic import Made, made_study

ACCURACY = "discriminator/gd_accuracy"


@pytest.mark.parametrize(
    ("curve", "flag"),
    [
        ([0.6, 0.7, 0.8, 0.75, 0.8, 0.78], ""),
        ([0.6, 0.8, 0.7, 0.6, 0.52, 0.51], "at chance"),
        ([0.5, 0.51, 0.49, 0.5, 0.52, 0.51], "never learned"),
        ([0.6, 0.8, 0.9, 0.97, 0.98, 0.97], "wins"),
        ([0.6, 0.8, 0.9, 1.0, 1.0, 1.0], "collapsed"),
        ([0.6, 0.3, 0.1, 0.0, 0.0, 0.0], "collapsed"),
    ],
)
def test_flags(curve: list[float], flag: str) -> None:
    assert flag_of(curve, curve[-2:]) == flag


def study():
    curves = ([0.6, 0.7, 0.8], [0.5, 0.5, 0.5], [0.6, 0.9, 0.99])
    trials = [
        Made({"adaptor": "ga"}, {ACCURACY: dict(zip((30, 60, 90), curve, strict=True))}, {"lr": number}, number=number)
        for number, curve in enumerate(curves)
    ]
    return made_study({"adaptor": ["ga"]}, {"lr": {"type": "uniform", "low": 0, "high": 9}}, trials)


def test_health_is_of_the_last_third_of_each_trial() -> None:
    found = health(study())
    assert list(found["accuracy"]) == [0.8, 0.5, 0.99]
    assert list(found["flag"]) == ["", "never learned", "wins"]
    (line,) = summary(study()).to_dict("records")
    assert (line["median"], line["lowest"], line["highest"]) == (0.8, 0.5, 0.99)
    assert line["flags"] == "1 never learned, 1 wins"


def test_accuracies_are_drawn_as_median_and_range() -> None:
    figure = discriminator_accuracies(study())
    assert figure is not None
    (axes,) = figure.axes
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [0.6, 0.7, 0.8])


def test_a_study_without_discriminators_has_no_figure() -> None:
    made = made_study({"adaptor": ["ga"]}, {}, [Made({"adaptor": "ga"}, {"select/miou": {100: 1.0}})])
    assert discriminator_accuracies(made) is None
    assert health(made).empty
