"""The benchmark runs: its processes, its clock and its AWS."""

from benchmarks.figures import Figure, of_a_push
from benchmarks.fleets import Fleet


def test_a_push_is_measured_with_no_call_that_could_be_avoided() -> None:
    figure = of_a_push("small", Fleet(services=40, families=8, clusters=2, following=4), {"calls": 20 * 4}, 4)
    calls = figure.more["calls by action"]

    assert (calls["UpdateService"], calls["RegisterTaskDefinition"]) == (20, 4)
    assert calls["GetItem"] == 1, "the finder looks once whether the index is complete"
    assert not figure.measured["throttled"]
    assert figure.measured["bound"] > 0


def test_a_figure_that_is_over_what_it_may_be_is_a_miss() -> None:
    assert Figure("", {"calls": 3}, {"calls": 3}).passes
    assert not Figure("", {"calls": 4}, {"calls": 3}).passes
