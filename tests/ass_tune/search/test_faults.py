"""Faults are told apart by what Ray says of them."""

from __future__ import annotations

import pytest
from ray.exceptions import ActorDiedError, ActorUnavailableError, OutOfMemoryError

from ass_tune.search.faults import Fault, FaultKind, same_faults, trial_error

TRACEBACK = """Failure # 1 (occurred at 2026-01-01_00-00-00)
ray::AssTrainable.train() (pid={pid}, ip=127.0.0.1, actor_id={actor}, repr=<AssTrainable object at 0x7f{actor}>)
  File "ray/tune/trainable/trainable.py", line 332, in train
    result = self.step()
  File "trainables/ass_trainable.py", line {line}, in step
    metrics = trainer.train_until(there)
{error}
"""


def text(error: str, pid: int = 1, actor: str = "ab12", line: int = 50) -> str:
    return TRACEBACK.format(error=error, pid=pid, actor=actor, line=line)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.", FaultKind.OUT_OF_MEMORY),
        ("MemoryError", FaultKind.OUT_OF_MEMORY),
        ("numpy._core._exceptions._ArrayMemoryError: Unable to allocate 9 GiB for an array", FaultKind.OUT_OF_MEMORY),
        ("RuntimeError: [enforce fail] DefaultCPUAllocator: can't allocate memory: 12 bytes", FaultKind.OUT_OF_MEMORY),
        ("OSError: [Errno 12] Cannot allocate memory", FaultKind.OUT_OF_MEMORY),
        ("OSError: [Errno 28] Error writing bytes. Detail: [errno 28] No space left on device", FaultKind.NO_ROOM),
        ("OSError: [Errno 122] Disk quota exceeded: 'checkpoints/k/10.pt'", FaultKind.NO_ROOM),
        ("ValueError: images must be uint8", FaultKind.BUG),
        ("KeyError: 'MemoryError'", FaultKind.BUG),
    ],
)
def test_what_a_trial_raised_is_told_by_its_last_line(error: str, kind: FaultKind) -> None:
    fault = trial_error(text(error))
    assert (fault.kind, fault.summary) == (kind, error)


def test_a_lost_process_is_no_bug_and_one_that_ray_killed_for_its_memory_is_out_of_memory() -> None:
    assert trial_error(f"Failure # 1\n{ActorDiedError()}").kind is FaultKind.LOST
    killed = OutOfMemoryError("Task was killed due to the node running low on memory.\nSee the documentation.")
    assert trial_error(f"Failure # 1\n{killed}").kind is FaultKind.OUT_OF_MEMORY


def test_a_process_that_cannot_be_reached_is_no_bug_of_the_trial() -> None:
    away = ActorUnavailableError("The actor is temporarily unavailable: RpcError: RPC error: Socket closed", b"0" * 16)
    assert trial_error(f"Failure # 1\n{away}").kind is FaultKind.LOST


def test_an_error_in_a_trials_constructor_is_a_bug_although_ray_says_that_the_actor_died() -> None:
    said = "The actor died because of an error raised in its creation task, " + text("ImportError: no timm")
    assert trial_error(said).kind is FaultKind.BUG


@pytest.mark.parametrize(
    "said",
    [
        "The actor died unexpectedly before finishing this task.\nThe actor died because its node has died.",
        "ray.exceptions.ActorUnschedulableError: The actor is not schedulable: the node of its placement is gone",
        "The actor's node was terminated expectedly: preempted",
    ],
)
def test_a_node_that_is_lost_is_told_from_a_process(said: str) -> None:
    assert trial_error(f"Failure # 1\n{said}").kind is FaultKind.NODE_LOST


def test_a_place_that_is_gone_is_no_bug_of_the_trial() -> None:
    said = "The placement group corresponding to this Actor has been removed."
    assert trial_error(f"Failure # 1\n{said}").kind is FaultKind.LOST


def test_a_trial_that_handed_itself_back_is_no_error() -> None:
    said = "trainables.preemption.HandedBack: its process was asked to end"
    assert trial_error(text(said)) == Fault(FaultKind.HANDED_BACK, "its process was asked to end")


@pytest.mark.parametrize("kind", FaultKind)
def test_only_what_may_pass_is_tried_again(kind: FaultKind) -> None:
    assert kind.passes is (kind not in (FaultKind.BUG, FaultKind.NO_ROOM))


def test_three_faults_are_the_same_if_they_differ_in_numbers_only() -> None:
    bug = "ValueError: image {} has 3 channels"
    faults = [trial_error(text(bug.format(n), pid=n, actor=f"{n}f")) for n in range(3)]
    assert same_faults(faults)
    assert not same_faults(faults[:2])
    assert not same_faults([*faults[:2], trial_error(text(bug.format(2), line=51))])
    assert not same_faults([*faults[:2], trial_error(text("TypeError: image 2 has 3 channels"))])
    assert same_faults([trial_error(text("OSError: x")), *faults])


def test_a_fault_without_words_is_named_by_its_kind() -> None:
    assert Fault(FaultKind.LOST, "\n").summary == "process lost"
