"""What a judge sees in each bundle, handed to the stages that read it: only where it was made its name is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import apache_beam as beam
from apache_beam.pvalue import AsMultiMap, PCollection

from prep_corpus.pipeline.storage.stage_store import StageRef

JudgedBundles = Mapping[str, Iterable[StageRef]]
"""References to the judge's emissions by their bundle's digest, one each."""


def by_bundle(judged: PCollection[StageRef] | None) -> tuple[AsMultiMap, ...]:
    """The side input of a step that reads what the judge sees, as `judge_of` takes it; none where there is no judge."""
    if judged is None:
        return ()
    return (AsMultiMap(judged | "JudgedByBundle" >> beam.Map(lambda ref: (ref.bundle, ref))),)


def judge_of(judged: JudgedBundles | None, bundle: str) -> StageRef | None:
    """What the judge sees in a bundle; None where there is no judge."""
    if judged is None:
        return None
    [judge] = judged[bundle]
    return judge
