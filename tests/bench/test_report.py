"""Tests of what the bench makes of its samples."""

import xml.etree.ElementTree as ET

from bench import FUNCTIONS
from bench.calls import Call, call_of
from bench.contestants import EMPTY, PYTHON, RUST, Contestant
from bench.endpoints import Played
from bench.figures import Figures, figures, is_met, percentile, ratios
from bench.measure import Samples
from bench.picture import picture
from bench.report import Measured, report
from stage.wire import Request

FAST = Figures(
    first_poll=0.003,
    cold_start=0.006,
    least_cold_start=0.005,
    warm_p50=0.001,
    warm_p99=0.002,
    cpu=0.0005,
    memory=8e6,
)
SLOW = Figures(
    first_poll=0.4,
    cold_start=0.6,
    least_cold_start=0.5,
    warm_p50=0.02,
    warm_p99=0.03,
    cpu=0.018,
    memory=48e6,
)
FLOOR = Figures(
    first_poll=0.002,
    cold_start=0.004,
    least_cold_start=0.001,
    warm_p50=0.0002,
    warm_p99=0.0003,
    cpu=0.0001,
    memory=3e6,
)


def request(path: str, body: bytes = b"", **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request("POST", path, named, body, 0.0)


def measured() -> list[Measured]:
    claim = request("/", x_amz_target="DynamoDB_20120810.UpdateItem")
    played = Played(requests=[(claim, b"{}")] * 2)

    def one(function: str, language: str, found: Figures) -> Measured:
        size = None if language == PYTHON else 2_900_000
        contestant = Contestant(function, language, [], {}, {}, size, played, played, played)
        return Measured(contestant, found, None if language == PYTHON else 2_060_000)

    functions = [
        one(name, language, found)
        for name in FUNCTIONS
        for language, found in ((RUST, FAST), (PYTHON, SLOW))
    ]
    return [*functions, one("empty-function", EMPTY, FLOOR)]


def test_a_percentile_is_one_of_the_values() -> None:
    hundred = [float(value) for value in range(100, 0, -1)]
    assert [percentile(hundred, percent) for percent in (50, 99, 100)] == [50, 99, 100]
    assert percentile([7.0], 99) == 7.0


def test_a_round_of_noise_moves_no_median() -> None:
    samples = Samples([1, 1, 9], [2, 2, 9], [3, 3, 9], [4, 4, 9], [5, 5, 9])
    assert figures(samples) == Figures(1, 2, 2, 3, 9, 4, 5)


def test_a_target_is_missed_on_its_own_side() -> None:
    found = ratios(FAST, FLOOR, SLOW)
    assert {name: round(value, 2) for name, value in found.items()} == {
        "cold start / empty": 1.5,
        "memory / empty": 2.67,
        "Python / cold start": 100.0,
        "Python / warm p50": 20.0,
        "Python / memory": 6.0,
    }
    assert all(is_met(name, value) for name, value in found.items())
    assert not is_met("cold start / empty", 2.1)
    assert not is_met("Python / cold start", 19.9)


def test_the_report_has_every_function_and_marks_what_is_missed() -> None:
    table = report(measured(), rounds=3, events=10)
    assert "| lead-time | Python | 400 ms | 600 ms | 500 ms | 20.00 ms |" in table
    assert (
        "| mttr | Rust | 3.00 ms | 6.00 ms | 5.00 ms | 1.00 ms | 2.00 ms | 0.50 ms | 8.0 MB |"
        in table
    )
    assert "| mttr | 2 | 2 | 2 | 2 dynamodb UpdateItem |" in table
    assert "**" not in table
    slower = [
        Measured(each.contestant, FLOOR if each.contestant.language == EMPTY else SLOW, None)
        for each in measured()
    ]
    assert "| cold start / empty | ≤ 2 | **150.0** |" in report(slower, rounds=3, events=10)


def test_the_picture_has_a_bar_for_each_figure() -> None:
    document = ET.fromstring(picture(measured()))
    texts = ["".join(text.itertext()) for text in document.iter("{http://www.w3.org/2000/svg}text")]
    assert texts.count("600 (100 times)") == len(FUNCTIONS)
    assert texts.count("mttr") == 3


def test_calls_are_known_in_every_protocol() -> None:
    for sent, expected in [
        (request("/", x_amz_target="DynamoDB_20120810.UpdateItem"), ("dynamodb", "UpdateItem")),
        (request("/", x_amz_target="AmazonSSM.GetOpsItem"), ("ssm", "GetOpsItem")),
        (
            request("/service/GraniteServiceVersion20100801/operation/PutMetricData"),
            ("cloudwatch", "PutMetricData"),
        ),
        (request("/", b"Action=AssumeRole&Version=2011-06-15"), ("sts", "AssumeRole")),
        (request("/_github/graphql"), ("github", "POST /_github/graphql")),
    ]:
        assert call_of(sent) == Call(*expected)
