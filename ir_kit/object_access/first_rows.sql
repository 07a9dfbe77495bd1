-- Which are the first rows of a table of this playbook, in its own order?
-- Grain: as the table's.
-- Cannot see: the rows after these.
select * from query_table('object_access_' || :name) limit :most
