-- take_time: let a comparison or an index last longer than other statements may.
SELECT set_config('statement_timeout', '0', true)
