-- patience: let this connection's next statements take longer; whoever gives it back to its pool resets that.
-- $1 how long
SELECT set_config('statement_timeout', $1, false)
