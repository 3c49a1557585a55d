-- Which changes were applied is no secret: `rapport doctor` compares them with those of the release.
-- migrate:up
SET LOCAL lock_timeout = '5s';
GRANT SELECT ON migrations TO rapport_{service}_app;

-- migrate:down
REVOKE SELECT ON migrations FROM rapport_{service}_app;
