-- zone: where a day and a month of the tenant's reports begin.
SELECT coalesce((SELECT zone FROM settings_v1), 'UTC')
