"""Fitting on a corpus's own transcripts, damaged at known places, from its stored emissions; no model is run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

from prep_corpus.align.cutting.cutting import CutOptions
from prep_corpus.align.errors import UsageError
from prep_corpus.filters.fitting.cases import Case, Damage
from prep_corpus.filters.fitting.fit import FitOptions, Fitted, fit_filter
from prep_corpus.filters.fitting.self_labels import Aligned, Unlabelled, self_labelled
from prep_corpus.filters.fitting.sweep import Bench
from prep_corpus.pipeline.finished.fit_material import Drawn, Say, draw_stretches
from prep_corpus.pipeline.finished.stored_run import StoredAlignments

VERSION = 8
LEAST_SECONDS = 20 * 60.0
"""Aligned speech without which nothing is fitted and nothing promised."""
LEAST_GROUPS = 4
"""Speakers, or recordings where speakers are unknown, without which a fit says nothing of others."""


@dataclass(frozen=True, kw_only=True)
class SelfFit:
    """A filter that was fitted on a corpus's own transcripts.

    Attributes:
        fitted: filter and what cross-validation says of it.
        seconds, total_seconds: speech fitted on, and of the corpus.
        groups: speakers or recordings, held out in turn.
        words, false_words: with labels, and those of them that are known to be wrong.
    """

    fitted: Fitted
    seconds: float
    total_seconds: float
    groups: int
    words: int
    false_words: int


def fit_itself(
    corpus: StoredAlignments, *, hours: float, seed: int, target_seconds: float, cut: CutOptions, say: Say
) -> SelfFit:
    """Fit a filter on a corpus.

    Args:
        corpus: aligned.
        hours: about so much is drawn; everything where there is less.
        seed: of the draw, the damage and the resampling.
        target_seconds: mean length of utterances.
        cut: how utterances are shaped.
        say: told how far it is.

    Raises:
        UsageError: there is too little speech, or too few groups, or all words are of one class.
    """
    drawn = _grouped(draw_stretches(corpus, hours=hours, seed=seed, say=say), say)
    groups = len({one.group for one in drawn.stretches})
    if drawn.seconds < LEAST_SECONDS or groups < LEAST_GROUPS:
        raise UsageError(
            f"a filter is fitted on at least {LEAST_SECONDS / 60:.0f} minutes of aligned speech of {LEAST_GROUPS} "
            f"speakers or recordings, and there are {drawn.seconds / 60:.0f} minutes of {groups}"
        )
    cases = damaged_cases(drawn, cut, seed, say)
    say(f"fitting a filter on {len(cases)} stretches of {groups} speakers or recordings")
    fitted = fit_filter(
        Bench(cases=cases, options=cut),
        FitOptions(target_seconds=target_seconds, seed=seed),
        model_digest=drawn.info.digest,
        frame_seconds=drawn.info.frame_seconds,
        fitted_on=(
            f"{drawn.seconds / 3600:.2f} of {drawn.total_seconds / 3600:.2f} hours of the corpus itself, their own "
            "transcripts damaged at known places"
        ),
        data_digest=data_digest(cases),
    )
    known = [case.known_W for case in cases]
    return SelfFit(
        fitted=fitted,
        seconds=drawn.seconds,
        total_seconds=drawn.total_seconds,
        groups=groups,
        words=sum(int(known_W.sum()) for known_W in known),
        false_words=sum(int((known_W & ~case.right_W).sum()) for known_W, case in zip(known, cases)),
    )


def _grouped(drawn: Drawn, say: Say) -> Drawn:
    """Groups to be held out: speakers, or recordings where there are too few of those."""
    if len({one.group for one in drawn.stretches}) >= LEAST_GROUPS:
        return drawn
    by_recording = [replace(one, group=one.name.rpartition(" ")[0]) for one in drawn.stretches]
    if len({one.group for one in by_recording}) < LEAST_GROUPS:
        return drawn
    say("there are few speakers: recordings are held out in turn, and what is promised is of these speakers")
    return replace(drawn, stretches=by_recording)


def damaged_cases(drawn: Drawn, cut: CutOptions, seed: int, say: Say) -> list[Case]:
    """Cases labelled by damage to the stretches' own transcripts."""
    done = 0

    def realign(one: Unlabelled, words: tuple[str, ...]) -> Aligned:
        nonlocal done
        done += 1
        if done % 20 == 0 or done == len(drawn.stretches):
            say(f"aligned anew: {done} of {len(drawn.stretches)} stretches")
        return drawn.realign(one, words)

    return self_labelled(
        drawn.stretches,
        realign,
        recipe=Damage(),
        seed=seed,
        fit_options=FitOptions(),
        cut_options=cut,
    )


def data_digest(cases: Sequence[Case]) -> str:
    """Identity of what a filter was fitted on."""
    digest = blake2b(digest_size=16)
    for case in cases:
        digest.update(case.log_probs_TC.tobytes())
        digest.update(" ".join(case.texts).encode())
        digest.update(case.right_W.tobytes())
    return digest.hexdigest()
