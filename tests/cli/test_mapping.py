"""A mapping that cannot be used says where, and what would be right."""

from pathlib import Path

import pytest

from rapport_cli.importing.mapping import MappingRefused, load, parse, shipped
from tests.cli import small

HEAD = 'name = "x"\nversion = 1\nsystem = "x"\nzone = "UTC"\ncurrency = "EUR"\n'
CREATED = (
    '[[event]]\ntype = "customer.created"\nsubject = "who"\ntime = "at"\nfields = { kind = { value = "person" } }\n'
)


def faults_of(text: str) -> str:
    with pytest.raises(MappingRefused) as refused:
        parse(text.encode(), "x.toml")
    return str(refused.value)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("name =", "x.toml: is no TOML"),
        (CREATED, "x.toml: name is missing"),
        (HEAD.replace("EUR", "euro") + CREATED, "currency: 'euro' is not possible; write three capital letters"),
        (HEAD.replace('"UTC"', '"Europe/Wien"') + CREATED, "zone: 'Europe/Wien' is no zone"),
        (HEAD.replace("system", "sistem") + CREATED, "sistem is not known (did you mean 'system'?)"),
        (HEAD, "event is missing"),
        (HEAD + CREATED.replace("created", "create"), "event 1 (customer.create): type 'customer.create' is not known"),
        (HEAD + CREATED.replace('subject = "who"\n', ""), "event 1 (customer.created): subject is missing"),
        (HEAD + CREATED.replace("person", "persn"), "did you mean 'person'?"),
        (HEAD + CREATED.replace("kind", "kid"), "fields.kid is not known (did you mean 'kind'?)"),
        (HEAD + CREATED + 'group_by = "who"\n', "group_by and key do not belong to customer.created"),
        (HEAD + CREATED + 'pii = { nam = "n" }\n', "pii.nam is not known (did you mean 'name'?)"),
        (HEAD + CREATED + 'when = { column = "a", iss = "b" }\n', "when[1].iss is not known (did you mean 'is'?)"),
        (HEAD + CREATED + 'when = { column = "a" }\n', "must say one test of the column"),
        (HEAD + CREATED + CREATED, "two rules make customer.created; give each a `name`"),
        (HEAD + CREATED + 'attributes = { town = { map = { a = "b" } } }\n', "must say one of `column`, `value`"),
        (
            HEAD + '[[event]]\ntype = "customer.purchased"\nsubject = "who"\ntime = "at"\n',
            "items (or fields.total) are missing",
        ),
        (
            HEAD + '[[event]]\ntype = "customer.purchased"\nsubject = "who"\ntime = "at"\nitems = { qty = "n" }\n',
            "items.line_total is missing",
        ),
        (
            HEAD + '[[event]]\ntype = "case.responded"\ntime = "at"\n',
            "fields.case is missing: the column with the number of the complaint",
        ),
    ],
)
def test_a_wrong_mapping_says_where_it_is_wrong(text: str, fault: str) -> None:
    assert fault in faults_of(text)


def test_all_faults_are_named_at_once() -> None:
    faults = faults_of(HEAD.replace("EUR", "euro").replace('"UTC"', '"nowhere"') + CREATED + 'colour = "red"\n')
    assert len(faults.splitlines()) == 3


def test_a_column_that_the_file_lacks_is_named_with_the_nearest_one(tmp_path: Path) -> None:
    file = tmp_path / "sales.csv"
    file.write_text("bill,who,at,waht,n,price\n")
    with pytest.raises(MappingRefused) as refused:
        small.read(file, small.sales())
    assert "event 1 (customer.purchased): items.sku: the file has no column 'what' (did you mean 'waht'?)" in str(
        refused.value
    )


def test_a_misspelt_mapping_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(MappingRefused, match=r"did you mean 'online_retail'\?"):
        load("online_retial")


@pytest.mark.parametrize("name", shipped())
def test_every_mapping_that_comes_along_can_be_read(name: str) -> None:
    assert load(name).name == name


def test_the_mapping_of_the_guide_can_be_read() -> None:
    guide = Path(__file__).parents[2] / "docs" / "guides" / "import-a-file.md"
    block = guide.read_text().split("```toml\n")[1].split("```")[0]
    assert [rule.type for rule in parse(block.encode(), "guide").event] == ["customer.created", "customer.purchased"]
