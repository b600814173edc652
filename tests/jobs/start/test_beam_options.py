"""Options on their way to Beam."""

from __future__ import annotations

import apache_beam as beam
from apache_beam.options.pipeline_options import DirectOptions, SetupOptions, StandardOptions

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
