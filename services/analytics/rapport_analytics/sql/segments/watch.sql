-- watch: write down up to when ended consents were looked at.
-- $1 until
UPDATE consent_watch
   SET until = $1
