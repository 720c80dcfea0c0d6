"""Jury learning with a tiny encoder made here: what it learns, keeps, and refuses."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel, BertTokenizer

from models_runner.backends.jury_learning import (
    CrossLayer,
    JuryLearner,
    JuryNetwork,
    Top,
    TrainingPlan,
    network_from_file,
)
from models_runner.domain.evaluation import EvaluationCancelled, Situation, evaluate_methods
from models_runner.domain.reward import Artefact, InvalidArtefact, InvalidRatings, RatingTable
from models_runner.ports import EncoderUnavailable

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "calm", "rude", "kind", "loud", "plain"]
ITEMS, JURORS = 24, 40
PLAN = TrainingPlan(
    items_at_once=8, most_epochs=5, least_steps=240, patience=6, fitting_steps=25, top_rate=1e-2
)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for each other on a busy machine take a hundred times as long."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=24,
    )
    BertModel(config).save_pretrained(folder)
    return folder


TEXTS = [f"{('calm', 'rude')[item % 2]} {WORDS[7 + item % 3]}" for item in range(ITEMS)]


def world(jurors: int = JURORS) -> RatingTable:
    """Jurors of two groups: the ones mind rude texts, the others mind calm ones."""
    rng = np.random.default_rng(0)
    who, what = np.nonzero(rng.random((jurors, ITEMS)) < 0.7)
    minds = (what % 2) != (who % 2)
    ratings = np.clip(1 + 3 * minds + rng.integers(0, 2, len(who)), 1, 5)
    return RatingTable(
        features=np.zeros((ITEMS, 1)),
        items=what,
        jurors=who,
        ratings=ratings,
        juror_count=jurors,
        low=1,
        high=5,
        groups=np.column_stack([np.arange(jurors) % 2, np.full(jurors, -1)]),
    )


def learner(tiny: Path, *, tuned: bool = False, **changed: object) -> JuryLearner:
    given: dict[str, object] = {
        "texts": TEXTS,
        "queries": [""] * ITEMS,
        "model": str(tiny),
        "plan": PLAN,
        **changed,
    }
    return JuryLearner(tuned=tuned, **given)  # type: ignore[arg-type]  # as changed


@pytest.fixture(scope="module")
def frozen(tiny: Path) -> JuryNetwork:
    return learner(tiny).fit(table=world(), confidence=0.9, seed=0)


def everything(network: JuryNetwork) -> np.ndarray:
    jurors, items = np.indices((JURORS, ITEMS)).reshape(2, -1)
    guess = network.predict_cells(features=np.zeros((0, 1)), items=items, jurors=jurors)
    return guess.mean.reshape(JURORS, ITEMS)


def test_a_cross_layer_by_hand() -> None:
    layer = CrossLayer(2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([1.0, 2.0]))
        layer.bias.copy_(torch.tensor([0.5, 0.0]))
    start, now = torch.tensor([[1.0, -1.0]]), torch.tensor([[3.0, 1.0]])
    # x0 (x'w) + b + x, with x'w = 5
    assert layer(start, now).tolist() == [[5 + 0.5 + 3, -5 + 1]]


def test_groups_add_up_and_what_is_not_told_is_nothing() -> None:
    top = Top(text_width=4, jurors=2, levels=3)
    both = top.groups(torch.tensor([[0, 2], [-1, 1], [-1, -1]]))
    torch.testing.assert_close(both[0], top.levels[0] + top.levels[2])
    torch.testing.assert_close(both[1], top.levels[1])
    assert not both[2].any()
    assert top.jurors.std() < 0.05, "N(0, .02)"


def test_jurors_of_two_kinds_are_told_apart(frozen: JuryNetwork) -> None:
    means = everything(frozen)
    minds = (np.arange(ITEMS) % 2)[None, :] != (np.arange(JURORS) % 2)[:, None]
    assert means[minds].mean() - means[~minds].mean() > 1.5
    assert frozen.manifest["tuned"] is False
    assert frozen.manifest["held_out_error"] < 1
    assert np.isfinite(frozen.thresholds[0][1]), "12 jurors calibrate the intervals"


def test_a_newcomer_needs_ratings_to_be_known(frozen: JuryNetwork) -> None:
    # Nobody tells her group: the mean of all, until she rates.
    rated = RatingTable(
        features=np.zeros((ITEMS, 1)),
        items=np.arange(10),
        jurors=np.full(10, 1),
        ratings=np.where(np.arange(10) % 2 == 1, 5.0, 1.0),
        juror_count=2,
        low=1,
        high=5,
    )
    adapted = frozen.adapt(table=rated)
    items = np.arange(10, ITEMS)
    silent = adapted.predict_cells(
        features=rated.features, items=items, jurors=np.zeros(len(items), dtype=np.int64)
    )
    nobody = adapted.predict_cells(
        features=rated.features, items=items, jurors=np.full(len(items), -1)
    )
    np.testing.assert_allclose(silent.mean, nobody.mean, rtol=1e-5)
    known = adapted.predict_cells(
        features=rated.features, items=items, jurors=np.ones(len(items), dtype=np.int64)
    )
    minds = items % 2 == 1
    assert known.mean[minds].mean() > known.mean[~minds].mean() + 0.5
    assert known.own_ratings.tolist() == [10] * len(items)
    assert (known.low < known.mean).all()


def test_the_same_seed_gives_the_same_file(tiny: Path, frozen: JuryNetwork) -> None:
    again = learner(tiny).fit(table=world(), confidence=0.9, seed=0)
    assert again.to_file() == frozen.to_file()
    other = learner(tiny).fit(table=world(), confidence=0.9, seed=1)
    assert other.to_file() != frozen.to_file()


def test_the_encoder_learns_along_and_survives_its_file(tiny: Path) -> None:
    told: list[str] = []
    reads = learner(tiny, tuned=True, progress=lambda _share, line: told.append(line))
    before = {name: value.clone() for name, value in reads._reader.encoder.state_dict().items()}
    network = reads.fit(table=world(), confidence=0.9, seed=0)
    after = network.encoder.state_dict()
    assert any(not torch.equal(before[name], after[name]) for name in before)
    for name, value in reads._reader.encoder.state_dict().items():
        assert torch.equal(value, before[name]), "the next fit begins where this one began"
    assert any("held-out error" in line for line in told)
    again = network_from_file(network.to_file())
    jurors = np.array([0, 1, -1, 1])
    ask = {"texts": [TEXTS[0], TEXTS[1], TEXTS[1], TEXTS[1]], "queries": [""] * 4}
    found = again.predict_texts(jurors=jurors, **ask)
    cells = network.predict_cells(
        features=np.zeros((0, 1)), items=np.array([0, 1, 1, 1]), jurors=jurors
    )
    np.testing.assert_allclose(found.mean, cells.mean, rtol=1e-4)
    np.testing.assert_allclose(found.high, cells.high, rtol=1e-4)
    assert b"pickle" not in network.to_file()


def test_the_query_is_read_too(tiny: Path) -> None:
    alone = learner(tiny)._tokens[0]["input_ids"]
    asked = learner(tiny, queries=["loud"] * ITEMS)._tokens[0]["input_ids"]
    assert len(asked) > len(alone)


def test_it_stands_in_the_same_table_as_the_others(tiny: Path) -> None:
    table = evaluate_methods(
        table=world(),
        methods=["jury_learning"],
        baselines=["juror_mean"],
        learners=[learner(tiny)],
        counts=(0, 5),
        seeds=(0,),
    )
    ours = table.row(method="jury_learning", situation=Situation.SEEN_JUROR)
    rival = table.row(method="juror_mean", situation=Situation.SEEN_JUROR)
    assert ours is not None
    assert rival is not None
    assert ours.mae.value is not None
    assert rival.mae.value is not None
    assert ours.mae.value < rival.mae.value
    assert {own.method for own in table.by_juror} == {"jury_learning"}


@pytest.mark.parametrize("jurors", [1, 3])
def test_few_jurors_give_guesses_without_bounds(tiny: Path, jurors: int) -> None:
    network = learner(tiny).fit(table=world(jurors), confidence=0.9, seed=0)
    guess = network.predict_cells(
        features=np.zeros((0, 1)), items=np.array([0]), jurors=np.array([0])
    )
    assert np.isfinite(guess.mean).all()
    assert guess.low[0] == -np.inf


def test_it_stops_when_asked(tiny: Path) -> None:
    with pytest.raises(EvaluationCancelled, match="Stopped at step 0"):
        learner(tiny, cancelled=lambda: True).fit(table=world(), confidence=0.9, seed=0)


def test_what_does_not_fit_is_refused(tiny: Path, frozen: JuryNetwork, tmp_path: Path) -> None:
    with pytest.raises(InvalidRatings, match="24 items, but 1 texts"):
        learner(tiny, texts=["calm"], queries=[""]).fit(table=world(), confidence=0.9, seed=0)
    nothing = world().take(rows=np.zeros(0, dtype=np.int64))
    with pytest.raises(InvalidRatings, match="no ratings"):
        learner(tiny).fit(table=nothing, confidence=0.9, seed=0)
    with pytest.raises(InvalidRatings, match="codes from 99"):
        frozen.predict_cells(features=np.zeros((0, 1)), items=np.array([99]), jurors=np.array([0]))
    with pytest.raises(EncoderUnavailable, match="VENIRE_ENCODER_MODEL"):
        learner(tiny, model=str(tmp_path))
    with pytest.raises(InvalidArtefact, match="cannot be read"):
        network_from_file(b"damaged")
    with pytest.raises(InvalidArtefact, match="Train again"):
        network_from_file(frozen.to_file().replace(b"jury-learning-1", b"jury-learning-0"))
    with pytest.raises(InvalidArtefact, match="reads texts itself"):
        Artefact.from_bytes(data=frozen.to_file())
