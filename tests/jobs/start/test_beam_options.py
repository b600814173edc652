"""Options on their way to Beam."""

from __future__ import annotations

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import DirectOptions, SetupOptions, StandardOptions

from prep_corpus.align.errors import UsageError
from prep_corpus.jobs.config import RunConfig
from prep_corpus.jobs.start.beam_options import pipeline_options


def test_views_are_parsed_once_and_say_what_is_set_through_any_of_them() -> None:
    given = RunConfig(manifest="m", out="o", beam_options=("--direct_num_workers=3",))
    options = pipeline_options(given)
    view = options.view_as(DirectOptions)
    assert view is options.view_as(DirectOptions)
    assert view.direct_num_workers == 3
    view.direct_num_workers = 5
    assert options.get_all_options()["direct_num_workers"] == 5
    assert view.view_as(DirectOptions).direct_num_workers == 5
    assert options.view_as(StandardOptions).runner == "FnApiRunner"


def test_a_pipeline_has_options_of_its_own() -> None:
    options = pipeline_options(RunConfig(manifest="m", out="o"))
    assert options.view_as(SetupOptions).setup_file is None
    own = beam.Pipeline(options=options).options
    own.view_as(SetupOptions).setup_file = "theirs"
    assert own.view_as(SetupOptions).setup_file == "theirs"
    assert options.view_as(SetupOptions).setup_file is None


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("--direct_num_worker", "4"), "has no option --direct_num_worker; is it --direct_num_workers?"),
        (("--direct_num_workers=2", "--no_such_thing"), "has no option --no_such_thing"),
        (("--runner", "directrunner", "-f", "x"), "Runner has no option -f$"),
        (("-x",), "has no option -x$"),
        (("--direct_num_workers", "2", "3"), "options: '3' is of none of them"),
        (("--runner=Nope",), "--runner Nope: Unexpected pipeline runner: Nope"),
        (("--runner=no_such.Runner",), "--runner no_such.Runner: No module named 'no_such'"),
        (("--direct_num_workers=many",), "--direct_num_workers: invalid int value: 'many'$"),
    ],
)
def test_an_option_that_the_local_runner_does_not_have_is_named(given: tuple[str, ...], told: str) -> None:
    with pytest.raises(UsageError, match=told.replace("?", r"\?")):
        pipeline_options(RunConfig(manifest="m", out="o", beam_options=given))


def test_other_runners_have_options_of_their_own() -> None:
    given = ("--runner=FlinkRunner", "--object_reuse", "--a_job_servers_own=1")
    assert pipeline_options(RunConfig(manifest="m", out="o", beam_options=given))
