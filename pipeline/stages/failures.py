"""The limit on failed recordings: a run that exceeds it stops between two stages."""

from __future__ import annotations

from dataclasses import dataclass

import apache_beam as beam
from apache_beam.pvalue import AsSingleton, PCollection

from prep_corpus.pipeline.storage.stage_store import StageRef


def most_failed(share: float, entries: int) -> int:
    """How many of the entries may fail; a product of 28.999999999999996 is 29."""
    return int(share * entries + 1e-6)


@dataclass(frozen=True, kw_only=True)
class FailureLimit:
    """How many recordings may fail.

    Attributes:
        share: share of `entries`, 0 to 1.
        entries: manifest entries.
        early: dead letters of the manifest and of the probe.
    """

    share: float
    entries: int
    early: int

    def allows(self, failed: int) -> bool:
        """Whether a run may go on after so many dead letters of its stages."""
        return failed + self.early <= most_failed(self.share, self.entries)


class WithinLimit(beam.PTransform):
    """References of stages -> whether their failures are within the limit, one value."""

    def __init__(self, limit: FailureLimit) -> None:
        super().__init__()
        self._limit = limit

    def expand(self, stages: PCollection[StageRef]) -> PCollection[bool]:
        """Waits for all of them."""
        limit = self._limit
        failed = (
            stages
            | "Failures" >> beam.Map(lambda ref: ref.failed)
            | "SumFailures" >> beam.CombineGlobally(sum).as_singleton_view()
        )
        return (
            stages.pipeline
            | "Once" >> beam.Impulse()
            | "Compare" >> beam.Map(lambda _, failed: limit.allows(failed), failed)
        )


class GoOn(beam.PTransform):
    """References -> the same where the run is within its limit, else none."""

    def __init__(self, within: PCollection[bool]) -> None:
        super().__init__()
        self._within = within

    def expand(self, references: PCollection[StageRef]) -> PCollection[StageRef]:
        """Waits for `within`."""
        return references | "Filter" >> beam.Filter(lambda ref, within: within, AsSingleton(self._within))
