"""The algebra behind partial pooling."""

import numpy as np

from models_runner.domain.reward.pooling import inverses


def test_inverses_of_a_stack_are_those_of_each_matrix() -> None:
    rng = np.random.default_rng(0)
    for size in (1, 2, 17):
        rows = rng.normal(size=(9, 30, size))
        stack = rows.transpose(0, 2, 1) @ rows + np.diag(10.0 ** rng.integers(-2, 7, size))
        found = inverses(stack)
        np.testing.assert_allclose(found, np.linalg.inv(stack), rtol=1e-7, atol=1e-12)
        np.testing.assert_allclose(found, found.transpose(0, 2, 1), atol=1e-15)
    assert inverses(np.zeros((0, 3, 3))).shape == (0, 3, 3)
