"""Scores of guesses, by hand."""

import numpy as np
import pytest

from models_runner.domain.reward import Prediction
from models_runner.domain.scores import score_predictions


def guess(mean: list[float], median: list[float], chances: list[list[float]] | None) -> Prediction:
    numbers = np.array(mean)
    return Prediction(
        mean=numbers,
        sd=np.ones(len(mean)),
        low=numbers - 1,
        high=numbers + 1,
        own_ratings=np.zeros(len(mean), dtype=np.int64),
        median=np.array(median),
        chances=None if chances is None else np.array(chances),
    )


def test_two_values_by_hand() -> None:
    score = score_predictions(
        truth=np.array([0.0, 1, 1, 1]),
        prediction=guess([0.4, 0.6, 0.9, 0.3], [0, 1, 1, 0], [[0.4], [0.6], [0.9], [0.3]]),
        jurors=np.array([0, 0, 0, 1]),
        points=np.array([0.0, 1.0]),
    )
    assert score.mae == 0.25
    assert score.mae_of_mean == pytest.approx((0.4 + 0.4 + 0.1 + 0.7) / 4)
    assert score.rmse == pytest.approx(np.sqrt((0.16 + 0.16 + 0.01 + 0.49) / 4))
    assert score.accuracy == 0.75
    assert score.macro_f1 == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert score.log_loss == pytest.approx(-np.log([0.6, 0.6, 0.9, 0.3]).mean())
    assert score.coverage == 1
    assert score.rank_correlation == pytest.approx(0.866, abs=1e-3)
    assert (score.jurors, score.ratings) == (2, 4)


def test_the_likeliest_point_is_not_the_median() -> None:
    score = score_predictions(
        truth=np.array([1.0, 1.0, 5.0]),
        prediction=guess([2.6] * 3, [3.0] * 3, [[0.6, 0.3]] * 3),
        jurors=np.zeros(3, dtype=np.int64),
        points=np.array([1.0, 3.0, 5.0]),
    )
    assert score.accuracy == pytest.approx(2 / 3), "chances are .4, .3 and .3"
    assert score.log_loss is None
    assert score.rank_correlation is None


def test_a_slider_has_no_classes_and_a_sure_error_a_bounded_loss() -> None:
    slider = score_predictions(
        truth=np.array([1.0, 2.5]),
        prediction=guess([1.0, 5.0], [1.0, 5.0], None),
        jurors=np.zeros(2, dtype=np.int64),
        points=np.linspace(0, 10, 50),
    )
    assert (slider.accuracy, slider.macro_f1, slider.log_loss) == (None, None, None)
    assert slider.coverage == 0.5
    sure = score_predictions(
        truth=np.array([1.0]),
        prediction=guess([-3.0], [0.0], None),
        jurors=np.zeros(1, dtype=np.int64),
        points=np.array([0.0, 1.0]),
    )
    assert sure.log_loss == pytest.approx(-np.log(0.01))
