-- marks: where the topic of an era was found in order.
-- $1 era
SELECT partition, record_offset, position, event_id
  FROM mirror_marks
 WHERE era = $1
