-- ping: answer, to show that the database does.
SELECT 1
