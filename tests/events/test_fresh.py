"""Answers are remembered for a short time, and only so many."""

from rapport_events.fresh import Fresh
from tests.events.keyrings import Clock


def fresh(clock: Clock, entries_max: int = 100) -> Fresh[str, int]:
    return Fresh(seconds=20, entries_max=entries_max, clock=clock)


def test_an_answer_is_known_until_its_time_is_over() -> None:
    clock = Clock()
    answers = fresh(clock)
    answers.put({"ann": 1}, asked_at=clock())

    clock.pass_by(19.9)
    assert answers.known(["ann", "bob"]) == {"ann": 1}
    clock.pass_by(0.1)
    assert answers.known(["ann", "bob"]) == {}


def test_an_answer_that_came_late_is_as_old_as_its_question() -> None:
    clock = Clock()
    answers = fresh(clock)
    asked_at = clock()
    clock.pass_by(15)
    answers.put({"bob": 2}, asked_at=clock())
    answers.put({"ann": 1}, asked_at=asked_at)

    clock.pass_by(5)

    assert answers.known(["ann", "bob"]) == {"bob": 2}


def test_of_two_answers_the_one_asked_for_later_holds() -> None:
    clock = Clock()
    answers = fresh(clock)
    asked_at = clock()
    clock.pass_by(1)
    answers.put({"ann": 2}, asked_at=clock())
    answers.put({"ann": 1}, asked_at=asked_at)

    assert answers.known(["ann"]) == {"ann": 2}


def test_the_oldest_answers_leave_when_there_are_too_many() -> None:
    clock = Clock()
    answers = fresh(clock, entries_max=10)

    answers.put({str(number): number for number in range(25)}, asked_at=clock())

    assert len(answers) == 10
    assert answers.known(["14", "15", "24"]) == {"15": 15, "24": 24}


def test_old_answers_leave_memory_at_the_next_use_whatever_it_is_about() -> None:
    clock = Clock()
    answers = fresh(clock)
    answers.put({str(number): number for number in range(25)}, asked_at=clock())
    clock.pass_by(20)

    answers.known(["ann"])

    assert len(answers) == 0


def test_everything_can_be_forgotten() -> None:
    clock = Clock()
    answers = fresh(clock)
    answers.put({"ann": 1}, asked_at=clock())

    answers.clear()

    assert answers.known(["ann"]) == {}
