"""What errors say, and what those who catch them may ask."""

from datetime import timedelta

import pytest

from nurture.domain.errors import FileError, InputError, Problem, SecurityError, TooManyAttempts


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (Problem("scoring.yaml", 7, "bands", "too few"), "scoring.yaml:7: bands: too few"),
        (Problem("scoring.yaml", 7, "", "no mapping"), "scoring.yaml:7: no mapping"),
        (Problem("scoring.yaml", None, "bands", "too few"), "scoring.yaml: bands: too few"),
        (Problem("scoring.yaml", None, "", "empty"), "scoring.yaml: empty"),
    ],
)
def test_a_problem_says_as_exactly_as_it_can_where_it_is(problem: Problem, words: str) -> None:
    assert str(problem) == words


def test_an_error_about_files_lists_all_of_their_problems() -> None:
    problems = Problem("a.yaml", 1, "slug", "missing"), Problem("b.yaml", 2, "name", "empty")

    error = FileError(*problems)

    assert error.problems == problems
    assert str(error) == "a.yaml:1: slug: missing\nb.yaml:2: name: empty"
    assert isinstance(error, InputError)


def test_who_tried_too_often_is_told_when_to_come_back() -> None:
    error = TooManyAttempts("Too many attempts.", retry_after=timedelta(minutes=5))

    assert (str(error), error.retry_after) == ("Too many attempts.", timedelta(minutes=5))
    assert isinstance(error, SecurityError)
