"""The command `rapport`: one file for each verb, and nothing imported that a verb does not need."""

import typer

from rapport_cli import import_file, report

app = typer.Typer(
    name="rapport",
    help="Rapport: a customer-relationship suite whose only memory is what happened.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("import", help=import_file.HELP)(import_file.import_file)
app.command("report", help=report.HELP)(report.report)
