"""The benchmark runs: its processes, its clock and its AWS."""

from benchmarks.fleets import Fleet
from benchmarks.rows import Row, measure
from benchmarks.sidecars import measure_with_a_small_push


def test_a_row_is_measured_with_no_call_that_could_be_avoided() -> None:
    fleet = Fleet(services=40, families=8, clusters=2, following=4)

    cold, table = measure(Row(fleet, "cold", scale=4), {})
    warm, _ = measure(Row(fleet, "warm", scale=4), table)

    assert cold["calls"]["DescribeTaskDefinition"] - warm["calls"]["DescribeTaskDefinition"] == 8
    assert warm["calls"]["UpdateService"] == 20
    assert warm["calls"]["RegisterTaskDefinition"] == 4
    assert not warm["throttled"]
    assert warm["bound"] > 0


def test_a_small_push_beside_a_large_one_is_measured() -> None:
    measured = measure_with_a_small_push(Row(Fleet(30, 30, 2, following=30), "warm", scale=8))

    assert 0 < measured["small_push_waited"] < measured["wall"]
