"""Commands that come together are split into as few waves as their order allows."""

from collections.abc import Iterable

from rapport_events.waves import Touch, split


def touch(
    name: str, needs: Iterable[str] = (), makes: Iterable[str] = (), about: str | None = None
) -> tuple[str, Touch]:
    return name, Touch(frozenset(needs), frozenset(makes), about)


def test_commands_that_have_nothing_to_do_with_each_other_are_one_wave() -> None:
    assert split([touch("a", makes="1"), touch("b", makes="2"), touch("c")]) == [["a", "b", "c"]]


def test_a_command_comes_after_the_one_that_it_needs() -> None:
    commands = [touch("a", makes="1"), touch("b", needs="1"), touch("c", needs="1"), touch("d", makes="2")]

    assert split(commands) == [["a", "d"], ["b"], ["c"]]


def test_a_thousand_complaints_and_their_answers_are_two_waves() -> None:
    commands = [
        each
        for number in map(str, range(1_000))
        for each in (touch(f"c{number}", makes=[number], about=f"ann{number}"), touch(f"r{number}", needs=[number]))
    ]

    assert [len(wave) for wave in split(commands)] == [1_000, 1_000]


def test_what_is_about_one_customer_keeps_its_order() -> None:
    commands = [
        touch("complaint", makes="1", about="ann"),
        touch("answer", needs="1"),
        touch("purchase", about="ann"),
        touch("other", about="bob"),
    ]

    assert split(commands) == [["complaint", "other"], ["answer", "purchase"]]
