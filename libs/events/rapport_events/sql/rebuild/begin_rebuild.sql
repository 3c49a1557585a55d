-- begin_rebuild: make the tables of a read model's next rebuild; its number, or null where there is nothing to rebuild.
-- $1 model
SELECT begin_rebuild($1)
