"""When a run's message was sent, or could not be, the run goes on or fails."""

from collections.abc import Sequence
from typing import ClassVar

from rapport_events.contracts.workflow import EffectFailed, EffectPerformed, RunFailed, SendApproved
from rapport_events.reactions import Known, Reaction, Reply
from rapport_events.view import Fact
from rapport_workflow.heard import EffectDone, EffectLost
from rapport_workflow.rules import rule_of
from rapport_workflow.run import go_on, run_from, run_stream, send_stream


class ContinueAfterEffect(Reaction):
    """Ends the wait of a run for a receipt."""

    name = "continue_after_effect"
    reads: ClassVar = {EffectPerformed: EffectDone, EffectFailed: EffectLost}

    def streams(self, fact: Fact, known: Known) -> Sequence[str]:
        """Look at the message, which knows its run, and at that."""
        approved = _approved(fact, known)
        return (send_stream(fact.event.effect_key), *((run_stream(approved.run_id),) if approved else ()))

    def reply(self, fact: Fact, known: Known) -> Sequence[Reply]:
        """Go on, if the run still waits for this message."""
        event: EffectDone | EffectLost = fact.event
        approved = _approved(fact, known)
        if approved is None:
            return ()
        stream = run_stream(approved.run_id)
        events = known.events(fact.tenant, stream)
        run = run_from(events)
        if run.status != "active" or run.waits_for != event.effect_key:
            return ()
        if isinstance(event, EffectLost):
            failed = RunFailed(run_id=approved.run_id, step=run.step, reason=event.reason)
            return [Reply(stream, (failed,), len(events))]
        return go_on(rule_of(run.rule, run.rule_version), approved.run_id, fact, known, "sent")


def _approved(fact: Fact, known: Known) -> SendApproved | None:
    events = known.events(fact.tenant, send_stream(fact.event.effect_key))
    return next((event for event in events if isinstance(event, SendApproved)), None)
