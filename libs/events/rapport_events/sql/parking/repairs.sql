-- repairs: what was decided about events, whichever read model set them aside.
-- $1 sources   $2 event ids
SELECT r.source, r.event_id, r.decision, r.value
  FROM repairs r
  JOIN unnest($1::text[], $2::text[]) AS n (source, event_id) USING (source, event_id)
