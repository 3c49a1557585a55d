-- checkpoints: where the live rebuilds of these read models stand, and when each last moved; of one that is filled for the first time only that.
-- $1 models
SELECT r.model, r.reader, r.state, c.source, c.era, c.partition, c.position, c.moved_at
  FROM rebuilds r
  LEFT JOIN checkpoints c ON c.reader = r.reader AND r.state = 'live'
 WHERE r.model = ANY ($1::text[])
   AND (r.state = 'live' OR r.state = 'filling' AND r.rebuild = 1)
