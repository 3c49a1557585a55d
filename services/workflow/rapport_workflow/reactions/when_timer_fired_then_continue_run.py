"""When the time for which a run waited is over, it goes on."""

from collections.abc import Sequence
from typing import ClassVar

from rapport_events.contracts.workflow import TimerFired
from rapport_events.reactions import Known, Reaction, Reply
from rapport_events.view import Fact
from rapport_workflow.heard import TimeCame
from rapport_workflow.rules import rule_of
from rapport_workflow.run import go_on, run_from, run_stream


class ContinueAfterTime(Reaction):
    """Ends the wait of a run."""

    name = "continue_after_time"
    reads: ClassVar = {TimerFired: TimeCame}

    def streams(self, fact: Fact, known: Known) -> Sequence[str]:
        """Look at the run."""
        event: TimeCame = fact.event
        return (run_stream(event.about.id),) if event.about.kind == "run" else ()

    def reply(self, fact: Fact, known: Known) -> Sequence[Reply]:
        """Go on, if it still waits for this timer."""
        event: TimeCame = fact.event
        if event.about.kind != "run":
            return ()
        run = run_from(known.events(fact.tenant, run_stream(event.about.id)))
        if run.status != "active" or run.waits_for != event.timer_id:
            return ()
        return go_on(rule_of(run.rule, run.rule_version), event.about.id, fact, known, "waited")
