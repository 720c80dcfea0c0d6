"""Training the embedded judge of entailment on a CPU.

Labels of three kinds are learned by cross-entropy; a pair of which is only known that it is no
entailment by -log(1 - p(entailment)). Each epoch draws new contrast pairs. What is kept is a moving
average of the weights. The schedule follows the pairs seen or, where a time is given, the clock,
whichever is further: the rate rises over the first twentieth and falls to nothing at the end.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

import numpy as np
import torch
from torch import Tensor

from models_runner.backends.entailment.cross_encoder import CrossEncoder, PairTokenizer, TokenPairs
from models_runner.domain.contrast.mixture import contrast_pairs
from models_runner.domain.contrast.pairs import LabelledPair, Relation

CLASSES = (Relation.ENTAILMENT, Relation.NEUTRAL, Relation.CONTRADICTION)
ONLY_NOT_ENTAILED = 3
SORTED_TOGETHER = 2048


@dataclass(frozen=True)
class TrainingPlan:
    """Hyperparameters.

    Attributes:
        pairs: pairs seen in all, contrast pairs and repeats counted.
        minutes: time after which training ends in any case; None: no limit. The schedule then
            follows the clock and the same seed no longer gives the same weights.
        seed: of everything drawn.
        contrast: share of contrast pairs among the pairs seen, in [0, 1).
        weights: by source, how often its pairs are seen in an epoch; 1 where none is given.
        rate: highest learning rate of the encoder.
        head_rate: highest learning rate of the head.
        warm_up: share of the schedule in which the rate rises.
        smoothing: share of each label spread over the other classes.
        decay: weight decay.
        averaging: weight of the old in the moving average of the weights, by step.
        tokens: tokens in a batch, at most.
        longest: tokens of a pair; longer premises are cut.
        dropout: share of values dropped.
        bfloat16: whether products are computed in bfloat16.
    """

    pairs: int = 300_000
    minutes: float | None = None
    seed: int = 0
    contrast: float = 0.35
    weights: Mapping[str, float] = field(default_factory=dict)
    rate: float = 1e-4
    head_rate: float = 5e-4
    warm_up: float = 0.05
    smoothing: float = 0.03
    decay: float = 0.01
    averaging: float = 0.998
    tokens: int = 1024
    longest: int = 128
    dropout: float = 0.1
    bfloat16: bool = True

    def as_json(self) -> dict[str, object]:
        """All of it, for the manifest."""
        return {**asdict(self), "weights": dict(self.weights)}


@dataclass(frozen=True)
class TrainingState:
    """How far training is: share of the schedule, pairs seen, steps, loss of late, rate."""

    share: float
    pairs: int
    steps: int
    loss: float
    rate: float


class MovingAverage:
    """A moving average of the tuned weights, faster at the start."""

    def __init__(self, model: CrossEncoder, keep: float) -> None:
        self._keep = keep
        self._steps = 0
        self._names = [name for name, value in model.named_parameters() if value.requires_grad]
        self._live = [value for value in model.parameters() if value.requires_grad]
        self._averaged = [value.detach().clone() for value in self._live]

    def update(self) -> None:
        """Move towards the present weights."""
        self._steps += 1
        keep = min(self._keep, (1 + self._steps) / (10 + self._steps))
        torch._foreach_lerp_(self._averaged, [value.detach() for value in self._live], 1 - keep)

    def state(self) -> dict[str, Tensor]:
        """The averaged weights by name."""
        return dict(zip(self._names, self._averaged, strict=True))


def loss_of(logits: Tensor, labels: Tensor, *, smoothing: float) -> Tensor:
    """Mean loss of a batch; labels are 0-2 for the classes, 3 for "no entailment"."""
    logs = torch.log_softmax(logits.float(), dim=1)
    targets = torch.full_like(logs, smoothing / 3)
    known = labels < ONLY_NOT_ENTAILED
    targets[known] += (1 - smoothing) * torch.nn.functional.one_hot(labels[known], 3).float()
    by_class = -(targets * logs).sum(dim=1)
    not_entailed = -torch.logsumexp(logs[:, 1:], dim=1)
    return torch.where(known, by_class, not_entailed).mean()


def epoch_of(
    pairs: Sequence[LabelledPair], plan: TrainingPlan, *, epoch: int
) -> list[LabelledPair]:
    """The pairs of one epoch in random order: the given ones by weight, and new contrast pairs."""
    # Not for secrets: the same seed must give the same epoch.
    rng = random.Random(plan.seed * 1000 + epoch)  # noqa: S311
    chosen = []
    for pair in pairs:
        weight = plan.weights.get(pair.source, 1.0)
        times = int(weight) + (rng.random() < weight - int(weight))
        chosen += [pair] * times
    if plan.contrast:
        count = round(len(chosen) * plan.contrast / (1 - plan.contrast))
        chosen += contrast_pairs(pairs, count=count, seed=plan.seed * 1000 + epoch)
    rng.shuffle(chosen)
    return chosen


def batches_of(lengths: Sequence[int], *, tokens: int, seed: int) -> Iterator[list[int]]:
    """Indices in batches of like length, at most so many tokens each, in random order.

    Sorted are only stretches of 2,048 pairs, so that each batch is a fair draw but for length.
    """
    rng = np.random.default_rng(seed)
    for start in range(0, len(lengths), SORTED_TOGETHER):
        stretch = np.asarray(lengths[start : start + SORTED_TOGETHER])
        order = np.argsort(stretch, kind="stable")
        batches: list[list[int]] = []
        batch: list[int] = []
        for index in order:
            if batch and (len(batch) + 1) * int(stretch[index]) > tokens:
                batches.append(batch)
                batch = []
            batch.append(start + int(index))
        batches.append(batch)
        for place in rng.permutation(len(batches)):
            yield batches[place]


@contextmanager
def _tiny_numbers_as_zero() -> Iterator[None]:
    """Quicker on CPUs; what else the process computes afterwards needs its tiny numbers back."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@_tiny_numbers_as_zero()
def train(
    model: CrossEncoder,
    tokenizer: PairTokenizer,
    pairs: Sequence[LabelledPair],
    plan: TrainingPlan,
    *,
    watch: Callable[[TrainingState, MovingAverage], None] = lambda *_: None,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[TrainingState, Counter[str]]:
    """Train the model in place, and leave the averaged weights in it.

    Args:
        model: as `cross_encoder.build` gives it.
        tokenizer: of the same base.
        pairs: what to learn from.
        plan: hyperparameters.
        watch: called every 50 steps.
        clock: seconds, from any start.

    Returns:
        How it ended, and how many pairs of each source were seen (contrast pairs by their kind).
    """
    torch.manual_seed(plan.seed)
    optimizer = torch.optim.AdamW(_groups(model, plan), betas=(0.9, 0.98), fused=True)
    highest = [group["lr"] for group in optimizer.param_groups]
    average = MovingAverage(model, plan.averaging)
    tuned = [value for value in model.parameters() if value.requires_grad]
    seen: Counter[str] = Counter()
    state = TrainingState(0.0, 0, 0, 0.0, 0.0)
    started = clock()
    model.train()
    for chosen, tokens, batch in _stream(tokenizer, pairs, plan):
        share = state.pairs / plan.pairs
        if plan.minutes is not None:
            share = max(share, (clock() - started) / 60 / plan.minutes)
        if share >= 1:
            break
        height = min(share / plan.warm_up, (1 - share) / (1 - plan.warm_up))
        for group, rate in zip(optimizer.param_groups, highest, strict=True):
            group["lr"] = rate * height
        labels = torch.tensor([_label(chosen[index].label) for index in batch])
        with torch.autocast("cpu", torch.bfloat16, enabled=plan.bfloat16):
            logits = model(**tokenizer.padded(tokens, batch))
        loss = loss_of(logits, labels, smoothing=plan.smoothing)
        loss.backward()  # type: ignore[no-untyped-call]  # untyped there
        torch.nn.utils.clip_grad_norm_(tuned, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        average.update()
        seen.update(chosen[index].source for index in batch)
        value = float(loss.detach())
        state = TrainingState(
            share,
            state.pairs + len(batch),
            state.steps + 1,
            value if not state.steps else 0.98 * state.loss + 0.02 * value,
            optimizer.param_groups[0]["lr"],
        )
        if state.steps % 50 == 0:
            watch(state, average)
    model.load_state_dict(average.state(), strict=False)
    model.eval()
    return state, seen


def _stream(
    tokenizer: PairTokenizer, pairs: Sequence[LabelledPair], plan: TrainingPlan
) -> Iterator[tuple[list[LabelledPair], TokenPairs, list[int]]]:
    """Batches without end, epoch by epoch."""
    epoch = 0
    while True:
        chosen = epoch_of(pairs, plan, epoch=epoch)
        tokens = tokenizer.pairs(
            [pair.premise for pair in chosen],
            [pair.hypothesis for pair in chosen],
            longest=plan.longest,
        )
        for batch in batches_of(tokens.lengths(), tokens=plan.tokens, seed=plan.seed + epoch):
            yield chosen, tokens, batch
        epoch += 1


def _label(label: Relation) -> int:
    return CLASSES.index(label) if label in CLASSES else ONLY_NOT_ENTAILED


def _groups(model: CrossEncoder, plan: TrainingPlan) -> list[dict[str, object]]:
    """Parameters by learning rate and decay; biases and norms do not decay."""
    groups: dict[tuple[float, float], list[Tensor]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            rate = plan.head_rate if name.startswith("head.") else plan.rate
            decay = plan.decay if parameter.ndim > 1 else 0.0
            groups.setdefault((rate, decay), []).append(parameter)
    return [
        {"params": values, "lr": rate, "weight_decay": decay}
        for (rate, decay), values in groups.items()
    ]
