"""SQL statements by name, from the `sql` folders of packages."""

from functools import cache
from importlib.resources import files


@cache
def load(package: str, name: str) -> str:
    """
    Return the text of `<package>/sql/<name>.sql` as it stands, comments included.

    Args:
        package: Import name, for example `rapport_contacts`.
        name: Path without the suffix, for example `ledger/append`.
    """
    return files(package).joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")


def load_rebuild(package: str, name: str, rebuild: int) -> str:
    """Return a statement for one rebuild of its tables: `_rN` becomes `_r1`, `_r2` and so on."""
    return load(package, name).replace("_rN", f"_r{rebuild}")
