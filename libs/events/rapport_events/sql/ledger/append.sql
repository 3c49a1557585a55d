-- append: decide a group of requests in their order and write those that hold.
-- $1-$3 requests   $4-$9 streams   $10-$18 events   $19-$24 claims   (columns, as the function names them)
SELECT request, outcome, partition, position, version, stream, event_id
  FROM append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
              $24)
