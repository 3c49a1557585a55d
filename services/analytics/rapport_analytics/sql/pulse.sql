-- pulse: events by minute and service, the latest minutes.
-- $1 how many minutes
SELECT source, minute, events
  FROM pulse_v1
 WHERE minute > now() - make_interval(mins => $1)
 ORDER BY minute, source
