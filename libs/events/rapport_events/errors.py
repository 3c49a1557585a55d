"""How the domain says no: refusals with a stable code and the facts that led to them."""

from typing import ClassVar


class Refusal(Exception):
    """A wish that the domain does not grant. Its docstring is the sentence that the caller reads."""

    code: ClassVar[str]

    def __init__(self, **facts: object) -> None:
        super().__init__(self.code)
        self.facts = facts

    @property
    def sentence(self) -> str:
        """The first line of the class's docstring."""
        return (type(self).__doc__ or self.code).strip().splitlines()[0]


class Missing(Refusal):
    """What the wish is about does not exist."""

    code = "missing"


class Clash(Refusal):
    """The wish contradicts what is already true."""

    code = "clash"


class Stale(Refusal):
    """The wish was made against an older state than the current one."""

    code = "stale"


class Denied(Refusal):
    """The caller may not wish this."""

    code = "denied"


class Malformed(Refusal):
    """The wish cannot be understood, whatever the state."""

    code = "malformed"


class StreamNotFound(Missing):
    """There is no such thing; check its id, or the system and the id by which it was named."""

    code = "not_found"


class VersionRace(Clash):
    """Others changed it at the same time, again and again; read it anew and repeat the wish."""

    code = "version_race"


class VersionNotMet(Stale):
    """It has changed since the version that If-Match names; read it anew and decide again."""

    code = "version_not_met"


class IdentityTaken(Clash):
    """Another customer already holds this identity; link or merge the two instead."""

    code = "identity_taken"


class KeyReusedForOtherBody(Malformed):
    """This idempotency key was used with another body; use a new key for a new wish."""

    code = "idempotency_key_reused"


class EventTooLarge(Malformed):
    """What is to be recorded exceeds the size of an event; store the large part elsewhere and refer to it."""

    code = "event_too_large"


class ValueNotRecordable(Malformed):
    """A value is not what the event about it may hold: too long, too many, or of another form."""

    code = "value_not_recordable"
