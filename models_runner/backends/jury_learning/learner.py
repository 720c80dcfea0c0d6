"""Training: batches of texts, until held-out jurors are foreseen no better."""

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models_runner.backends.jury_learning.arrays import IntArray, index
from models_runner.backends.jury_learning.calibration import calibrate
from models_runner.backends.jury_learning.files import FORMAT
from models_runner.backends.jury_learning.held_out import HeldOut
from models_runner.backends.jury_learning.layers import WIDTH, Top
from models_runner.backends.jury_learning.network import JuryNetwork
from models_runner.backends.jury_learning.plan import TrainingPlan
from models_runner.backends.jury_learning.reader import Reader
from models_runner.backends.jury_learning.traits import level_places, level_sizes
from models_runner.domain.evaluation import EvaluationCancelled
from models_runner.domain.reward import InvalidRatings, RatingTable

NAME = "jury_learning"


class JuryLearner:
    """Learns a network from the ratings of a table whose items' texts it is given.

    Args:
        texts, queries: (M,) of the table's items; queries may be empty strings.
        model, revision: the encoder, as ``Reader`` takes it.
        tuned: whether the encoder learns along; else only what stands on it, which is much quicker
            on a processor.
        progress: called with the share of a fit that is done, in [0, 1], and a line of text.
        cancelled: asked now and then; ``EvaluationCancelled`` is raised when it says yes.
        plan: how it learns.

    Raises:
        EncoderUnavailable: the encoder can't be loaded.
    """

    name = NAME

    def __init__(
        self,
        *,
        texts: Sequence[str],
        queries: Sequence[str],
        model: str,
        revision: str = "",
        tuned: bool = True,
        progress: Callable[[float, str], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
        plan: TrainingPlan | None = None,
    ) -> None:
        self._plan = plan or TrainingPlan()
        self._reader = Reader(model=model, revision=revision, longest=self._plan.longest)
        self._tokens = self._reader.tokens(texts, queries)
        self._tuned = tuned
        self._tell = progress or (lambda _share, _line: None)
        self._cancelled = cancelled or (lambda: False)
        self._frozen: Tensor | None = None

    def fit(self, *, table: RatingTable, confidence: float, seed: int) -> JuryNetwork:
        """A network; on a processor the same seed and table give the same one.

        Raises ``InvalidRatings`` (no ratings, another number of items), ``EvaluationCancelled``.
        """
        if not len(table.ratings):
            raise InvalidRatings("There are no ratings to learn from.")
        if len(table.features) != len(self._tokens):
            raise InvalidRatings(
                f"The table has {len(table.features)} items, but {len(self._tokens)} texts."
            )
        devices = [torch.cuda.current_device()] if self._reader.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices), _threads(1 if not self._tuned else None):
            torch.manual_seed(seed)
            return self._fit(table, confidence, np.random.default_rng(seed))

    def _fit(self, table: RatingTable, confidence: float, rng: np.random.Generator) -> JuryNetwork:
        held = HeldOut.draw(table, rng)
        learn = table.take(rows=held.learn)
        sizes = level_sizes(table)
        encoder = copy.deepcopy(self._reader.encoder) if self._tuned else self._reader.encoder
        top = Top(text_width=self._reader.width, jurors=table.juror_count, levels=sum(sizes))
        spread = float(learn.ratings.std())
        network = JuryNetwork(
            top=top.to(self._reader.device),
            encoder=encoder,
            reader=self._reader,
            vectors=self._all_vectors(encoder, known=True),
            embeddings=top.jurors.detach(),
            groups=torch.zeros(table.juror_count, WIDTH, device=self._reader.device),
            newcomer=(torch.zeros(0), torch.zeros(0)),
            counts=np.bincount(table.jurors, minlength=table.juror_count).astype(np.int64),
            levels=sizes,
            centre=float(np.median(learn.ratings)),
            scale=spread if spread > 0 else 1.0,
            noise=0.5,
            sd=spread if spread > 0 else 1e-3,
            thresholds=((0, math.inf),),
            plan=self._plan,
            manifest={},
        )
        network, told = self._train(network, learn, table, held, rng)
        network = calibrate(network, table, held, confidence, rng)
        # Jurors who were held out of training get embeddings too, from all that they said.
        everyone = network.adapt(table=table)
        trained = torch.from_numpy(np.isin(np.arange(table.juror_count), learn.jurors))
        embeddings = torch.where(
            trained.to(self._reader.device)[:, None],
            network.top.jurors.detach(),
            everyone.embeddings,
        )
        finished = replace(everyone, embeddings=embeddings)
        return replace(finished, manifest=self._manifest(finished, table, confidence, told))

    def _all_vectors(self, encoder: Any, *, known: bool) -> Tensor:
        """Vectors of all items; those of the frozen encoder are read once for all fits."""
        if not self._tuned:
            if self._frozen is None:
                self._frozen = self._reader.read(encoder, self._tokens)
            return self._frozen
        if known:
            return torch.zeros(len(self._tokens), self._reader.width, device=self._reader.device)
        encoder.eval()
        return self._reader.read(encoder, self._tokens)

    def _train(
        self,
        network: JuryNetwork,
        learn: RatingTable,
        table: RatingTable,
        held: HeldOut,
        rng: np.random.Generator,
    ) -> tuple[JuryNetwork, dict[str, Any]]:
        """Batches of texts with all their ratings; the state that foresaw best is kept."""
        plan, device = self._plan, self._reader.device
        groups: list[dict[str, Any]] = [
            {"params": list(network.top.parameters()), "lr": plan.top_rate}
        ]
        if self._tuned:
            groups.append({"params": list(network.encoder.parameters()), "lr": plan.encoder_rate})
        optimiser = torch.optim.Adam(groups)
        target = torch.from_numpy((learn.ratings - network.centre) / network.scale).float()
        target = target.to(device)
        levels = level_places(learn, network.levels, device)
        rows_of = _rows_by_item(learn)
        items = np.array(sorted(rows_of), dtype=np.int64)
        batches = -(-len(items) // plan.items_at_once)
        steps = max(plan.most_epochs * batches, plan.least_steps)
        every = max(batches, plan.least_steps // 20)
        best, best_state, waited, step = math.inf, None, 0, 0
        error_sum, error_rows = 0.0, 0
        while step < steps and waited < plan.patience:
            order = rng.permutation(items)
            for first in range(0, len(order), plan.items_at_once):
                if step % 10 == 0 and self._cancelled():
                    raise EvaluationCancelled(f"Stopped at step {step} of jury learning.")
                chosen = order[first : first + plan.items_at_once]
                rows = np.concatenate([rows_of[item] for item in chosen])
                place = np.repeat(np.arange(len(chosen)), [len(rows_of[item]) for item in chosen])
                if self._tuned:
                    network.encoder.train()
                    read = self._reader.vectors(
                        network.encoder, [self._tokens[item] for item in chosen]
                    )
                else:
                    read = network.vectors[index(chosen, device)]
                who = index(learn.jurors[rows], device)
                guess = network.top(
                    read[index(place, device)],
                    network.top.jurors[who],
                    network.top.groups(levels[who]),
                )
                loss = (guess - target[index(rows, device)]).abs().mean()
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                error_sum += float(loss.detach()) * len(rows)
                error_rows += len(rows)
                step += 1
                if step % every and step < steps:
                    continue
                now = self._settled(network, learn, error_sum / max(error_rows, 1))
                error = held.error(now, table)
                self._tell(step / steps, f"step {step}: held-out error {error:.3f}")
                error_sum, error_rows = 0.0, 0
                if error < best - 1e-4 or held.tests is None:
                    best, waited, best_state = error, 0, _state(now)
                else:
                    waited += 1
                if step >= steps or waited >= plan.patience:
                    break
        if best_state is not None:
            network.top.load_state_dict(best_state[0])
            if best_state[1] is not None:
                network.encoder.load_state_dict(best_state[1])
            noise = best_state[2]
        else:
            noise = network.noise
        network.top.eval()
        network.encoder.eval()
        told = {"steps": step, "held_out_error": best if math.isfinite(best) else None}
        return self._settled(network, learn, noise), told

    def _settled(self, network: JuryNetwork, learn: RatingTable, noise: float) -> JuryNetwork:
        """The network as it is now, for predictions: vectors, and what a newcomer is."""
        trained = network.top.jurors.detach()[index(np.unique(learn.jurors), self._reader.device)]
        spread = trained.std(dim=0, unbiased=False).clamp(min=0.02)
        return replace(
            network,
            vectors=self._all_vectors(network.encoder, known=False),
            newcomer=(trained.mean(dim=0), spread),
            noise=max(noise, 0.05),
        )

    def _manifest(
        self, network: JuryNetwork, table: RatingTable, confidence: float, told: dict[str, Any]
    ) -> dict[str, Any]:
        plan = {name: getattr(self._plan, name) for name in TrainingPlan.__dataclass_fields__}
        return {
            "format": FORMAT,
            "method": NAME,
            "model": self._reader.model,
            "revision": self._reader.revision,
            "device": self._reader.device.type,
            "tuned": self._tuned,
            "plan": plan,
            "levels": list(network.levels),
            "centre": network.centre,
            "scale": network.scale,
            "noise": network.noise,
            "sd": network.sd,
            "confidence": confidence,
            "thresholds": [
                [count, value if math.isfinite(value) else None]
                for count, value in network.thresholds
            ],
            "juror_count": table.juror_count,
            "item_count": len(table.features),
            "low": table.low,
            "high": table.high,
            "data_digest": table.digest,
            **told,
        }


def _rows_by_item(table: RatingTable) -> dict[int, IntArray]:
    order = np.argsort(table.items, kind="stable")
    items, starts = np.unique(table.items[order], return_index=True)
    return dict(zip((int(item) for item in items), np.split(order, starts[1:]), strict=True))


@contextmanager
def _threads(number: int | None) -> Iterator[None]:
    """So many threads; small matrices wait for threads longer than they compute."""
    before = torch.get_num_threads()
    torch.set_num_threads(number or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _state(network: JuryNetwork) -> tuple[dict[str, Tensor], dict[str, Tensor] | None, float]:
    """Copies of what has been learnt; of the encoder only if it learns."""
    top = {name: value.detach().clone() for name, value in network.top.state_dict().items()}
    tuned = any(value.grad is not None for value in network.encoder.parameters())
    encoder = network.encoder.state_dict() if tuned else None
    kept = None if encoder is None else {k: v.detach().clone() for k, v in encoder.items()}
    return top, kept, network.noise
