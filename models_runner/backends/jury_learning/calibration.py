"""Intervals from the errors on what training has not seen."""

import math
from dataclasses import replace

import numpy as np

from models_runner.backends.jury_learning.arrays import FloatArray
from models_runner.backends.jury_learning.held_out import HeldOut
from models_runner.backends.jury_learning.network import JuryNetwork
from models_runner.domain.reward import CALIBRATION_COUNTS, RatingTable, conformal_threshold
from models_runner.domain.reward.table import random_places


def calibrate(
    network: JuryNetwork,
    table: RatingTable,
    held: HeldOut,
    confidence: float,
    rng: np.random.Generator,
) -> JuryNetwork:
    """How far intervals must reach, by numbers of own ratings; jurors weigh the same."""
    if held.tests is None:
        return network
    given, asked = table.take(rows=held.given), table.take(rows=held.tests)
    place = random_places(jurors=given.jurors, juror_count=table.juror_count, rng=rng)
    available = np.bincount(given.jurors, minlength=table.juror_count)
    errors: dict[int, list[FloatArray]] = {}
    for count in CALIBRATION_COUNTS:
        rows = asked.take(rows=available[asked.jurors] >= count)
        if not len(rows.ratings):
            continue
        guess = network.adapt(table=given.take(rows=place < count)).predict_cells(
            features=table.features, items=rows.items, jurors=rows.jurors
        )
        off = np.abs(guess.mean - rows.ratings)
        by = np.argsort(rows.jurors, kind="stable")
        errors[count] = np.split(off[by], np.flatnonzero(np.diff(rows.jurors[by])) + 1)
    squares = np.concatenate(errors[max(errors)]) ** 2
    sd = max(float(np.sqrt(squares.mean())), 1e-3)
    thresholds = [
        (count, conformal_threshold(scores=[part / sd for part in parts], confidence=confidence))
        for count, parts in errors.items()
    ]
    kept = tuple(pair for pair in thresholds if pair[0] == 0 or math.isfinite(pair[1]))
    return replace(network, sd=sd, thresholds=kept)
