-- watched: say up to when ended consents were looked at, and the time now; a second process waits here.
SELECT w.until, clock_timestamp() AS now
  FROM consent_watch w
   FOR UPDATE
