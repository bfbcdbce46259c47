"""Rules about names: trainable, domains, profile, and which variables a file may ablate, tune or fix."""

from __future__ import annotations

from collections.abc import Iterator

from ass_tune.spec.draft import Draft
from ass_tune.spec.errors import SpecError, found, names, shown
from ass_tune.spec.model import TUNED
from ass_tune.spec.pair_loading import divided
from trainables.extensions import BrokenExtension
from trainables.mistakes import nearest
from trainables.registry import TRAINABLES

_SECTIONS = ("ablate", "tune", "fixed")
_HOMES = {
    "seed": "replicate.seeds",
    "iterations": "train.iterations",
    "evaluate_every": "train.evaluate_every",
    "domains": "domains",
    "profile": "profile",
    "protocol": "protocol",
}

_OF_MLFLOW = {*(f"mlflow.db{end}" for end in ("", "-journal", "-wal", "-shm")), "mlartifacts", "mlruns", "default"}
"""Its database with the files that SQLite adds, its folders, and the experiment that every store has."""


def a_study_has_a_name_of_its_own(draft: Draft) -> Iterator[SpecError]:
    """`study:` is the name of a folder and of an experiment, and takes neither from MLflow."""
    name = draft.spec.study
    if ("study",) not in draft.broken and name.lower() in _OF_MLFLOW:
        yield draft.error(("study",), f"found {shown(name)}, which is a name of MLflow's; allowed: another name")


def known_trainable(draft: Draft) -> Iterator[SpecError]:
    """`trainable:` is in the registry, and the package that it is of can be used."""
    name = draft.spec.trainable
    if ("trainable",) in draft.broken:
        return
    if name not in TRAINABLES:
        yield draft.error(("trainable",), found(name, names(TRAINABLES), TRAINABLES))
        return
    try:
        _ = TRAINABLES[name].config.extended(draft.spec.named)
    except BrokenExtension as broken:
        yield draft.error(("trainable",), str(broken))


def known_domains_and_profile(draft: Draft) -> Iterator[SpecError]:
    """`domains:` and `profile:` are known to the trainable."""
    if draft.config is None:
        return
    domains, profile = draft.spec.domains, draft.spec.profile
    broken_pair_file = draft.config.READS_PAIR_FILES and divided(domains) is not None
    if ("domains",) not in draft.broken and not broken_pair_file and not draft.config.has_domains(domains):
        allowed = names(known := draft.config.domain_pairs()) + draft.config.other_domains()
        yield draft.error(("domains",), found(domains, allowed, known))
    if ("profile",) not in draft.broken and profile not in (known := tuple(draft.config.profiles())):
        yield draft.error(("profile",), found(profile, names(known), known))


def known_variables(draft: Draft) -> Iterator[SpecError]:
    """Every variable is a field of the trainable's configuration that the study does not set itself."""
    if draft.config is None:
        return
    known = draft.config.tunable()
    for section in _SECTIONS:
        for name in draft.declared(section):
            if name in draft.config.RESERVED:
                yield draft.error((section, name), f"reserved for the study; allowed: set it with {_HOMES[name]}")
            elif name not in known:
                text = f"unknown variable of {draft.spec.trainable}; allowed: {names(known)}{nearest(name, known)}"
                yield draft.error((section, name), text)


def one_section_for_a_variable(draft: Draft) -> Iterator[SpecError]:
    """Nothing is fixed and also ablated or tuned; ablated and tuned needs the level `tuned`, and the reverse."""
    ablated, tuned, fixed = map(draft.declared, _SECTIONS)
    for name in fixed:
        for other, others in (("ablate", ablated), ("tune", tuned)):
            if name in others:
                where = draft.document.place((other, name))
                yield draft.error(("fixed", name), f"found also under {other} ({where}); allowed: one of the two")
    for name, levels in draft.spec.ablate.items():
        if TUNED in levels and name not in tuned:
            path = ("ablate", name, levels.index(TUNED))
            yield draft.error(path, f"found the level '{TUNED}', but {name} is not under tune; allowed: values only")
        if TUNED not in levels and name in tuned:
            where = draft.document.place(("ablate", name))
            text = (
                f"found also under ablate ({where}) without the level '{TUNED}'; allowed: one of the two, or the level"
            )
            yield draft.error(("tune", name), text)


def values_for_everything(draft: Draft) -> Iterator[SpecError]:
    """Fields without a default in class and profile are given a value in every trial."""
    if draft.config is None or draft.spec.profile not in draft.config.profiles():
        return
    profile = draft.config.profiles()[draft.spec.profile]
    given = {name for section in _SECTIONS for name in draft.declared(section)}
    for name in draft.config.tunable():
        if not draft.config.model_fields[name].is_required() or name in profile:
            continue
        if name not in given:
            section = next((section for section in _SECTIONS if section in draft.document.values), "profile")
            problem = f"missing {name}, for which profile {draft.spec.profile} has no value"
            yield draft.error((section,), f"{problem}; allowed: a value under {names(_SECTIONS)}")
        elif name in draft.spec.tune and draft.spec.tune[name].when:
            path = ("tune", name, "when")
            text = f"found a condition, but profile {draft.spec.profile} has no value for {name} where it does not hold"
            yield draft.error(path, f"{text}; allowed: no condition")


RULES = (
    a_study_has_a_name_of_its_own,
    known_trainable,
    known_domains_and_profile,
    known_variables,
    one_section_for_a_variable,
    values_for_everything,
)
