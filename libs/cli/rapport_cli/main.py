"""The command `rapport`: one file for each verb, and nothing imported that a verb does not need."""

import typer

from rapport_cli import (
    apply_migrations,
    apply_topics,
    down,
    examine_suite,
    import_file,
    issue_token,
    ledger_status,
    load_demo,
    make_secrets,
    new_era,
    privacy,
    rebuild_views,
    release_parked,
    report,
    show_customer,
    status,
    subscribe,
    tail_events,
    up,
    verify_suite,
    webhooks,
)

app = typer.Typer(
    name="rapport",
    help="Rapport: a customer-relationship suite whose only memory is what happened.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("up", help=up.HELP)(up.up)
app.command("down", help=down.HELP)(down.down)
app.command("status", help=status.HELP)(status.status)
app.command("doctor", help=examine_suite.HELP)(examine_suite.examine_suite)
app.command("verify", help=verify_suite.HELP)(verify_suite.verify_suite)
app.command("token", help=issue_token.HELP)(issue_token.issue_token)
app.command("import", help=import_file.HELP)(import_file.import_file)
app.command("report", help=report.HELP)(report.report)
app.command("subscribe", help=subscribe.HELP)(subscribe.subscribe)
app.add_typer(show_customer.app, name="customer")
ledger = typer.Typer(help="The numbered memory of a service.", no_args_is_help=True)
ledger.command("status", help=ledger_status.HELP)(ledger_status.ledger_status)
ledger.command("new-era", help=new_era.HELP)(new_era.new_era)
app.add_typer(ledger, name="ledger")
app.add_typer(tail_events.app, name="events")
app.add_typer(webhooks.app, name="webhook")
app.add_typer(privacy.app, name="privacy")
app.add_typer(rebuild_views.app, name="view")
app.add_typer(release_parked.app, name="parked")
app.add_typer(load_demo.app, name="demo")
app.add_typer(apply_topics.app, name="topics")
app.add_typer(apply_migrations.app, name="migrate")
app.add_typer(make_secrets.app, name="secrets")
