"""The same on a GPU as on the CPU, as far as rounding lets it be; skipped where there is no GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from trainables.ass.adaptation import PAPER
from trainables.ass.config import AssConfig
from trainables.ass.trainer import Trainer
from trainables.ass_memory import check_memory
from trainables.checkpoints import Checkpoints
from trainables.mistakes import UserMistake
from trainables.storage import Storage

Configure = Callable[..., AssConfig]

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")


@pytest.fixture(autouse=True)
def without_tf32() -> Iterator[None]:
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    yield
    torch.backends.cudnn.allow_tf32 = before


def losses(trainer: Trainer, steps: int) -> dict[str, float]:
    metrics = trainer.train_until(trainer.iteration + steps)
    return {name: value for name, value in metrics.items() if name.startswith("loss/")}


@pytest.mark.parametrize("adaptor", PAPER)
@pytest.mark.parametrize("channels_last", [False, True])
def test_the_first_steps_have_the_losses_of_the_cpu(
    configure: Configure, tiny_pair: Any, adaptor: str, channels_last: bool
) -> None:
    settings = {"adaptor": adaptor, "channels_last": channels_last}
    expected = losses(Trainer(configure(**settings, device="cpu"), tiny_pair), 2)
    assert losses(Trainer(configure(**settings, device="cuda"), tiny_pair), 2) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("adaptor", PAPER)
def test_no_step_waits_for_the_gpu(configure: Configure, tiny_pair: Any, adaptor: str, dtype: str) -> None:
    trainer = Trainer(configure(adaptor=adaptor, dtype=dtype, device="cuda", iterations=100), tiny_pair)
    trainer.train_until(2)
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(3):
            trainer.step()
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_a_network_predicts_there_what_it_predicts_here(configure: Configure, tiny_pair: Any) -> None:
    here = Trainer(configure(device="cpu"), tiny_pair)
    here.train_until(3)
    there = Trainer(configure(device="cuda"), tiny_pair)
    there.load_state_dict(here.state_dict())
    expected, found = (trainer.evaluate(tiny_pair.target_report) for trainer in (here, there))
    assert found.shape == expected.shape and found.sum() == expected.sum()
    assert abs(found - expected).sum() <= 0.005 * expected.sum()


@pytest.mark.parametrize("adaptor", ["ga+csa", "ga+fcsa"])
def test_a_trial_goes_on_from_its_checkpoint(configure: Configure, tiny_pair: Any, adaptor: str, tmp_path: Any) -> None:
    config = configure(adaptor=adaptor, device="cuda")
    whole = Trainer(config, tiny_pair)
    whole.train_until(2)
    checkpoints = Checkpoints(Storage(str(tmp_path)), "trial")
    checkpoints.save(2, whole.state_dict())
    resumed = Trainer(config, tiny_pair)
    state = checkpoints.newest().state
    assert state is not None
    resumed.load_state_dict(state)
    for name, weight in whole.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[name], weight), name
    assert losses(resumed, 3) == pytest.approx(losses(whole, 3), rel=1e-4)


def test_a_compiled_network_trains_as_one_that_is_not(configure: Configure, tiny_pair: Any) -> None:
    plain, compiled = (Trainer(configure(device="cuda", compile=one), tiny_pair) for one in (False, True))
    assert losses(compiled, 3) == pytest.approx(losses(plain, 3), rel=1e-3)
    compiled.evaluate(tiny_pair.target_report)


def test_a_trial_that_does_not_fit_into_its_share_is_refused(configure: Configure) -> None:
    config = configure(domains="streets", device="auto", labeled_images=20)
    check_memory(config, 1.0)
    with pytest.raises(UserMistake, match="a trial needs about"):
        check_memory(config, 0.001)
