-- take_back: write the next events of a partition as they once were, with their claims and the answers to their keys; says how many of the claims others hold.
-- $1 partition   $2 positions   $3 tenants   $4 streams   $5 versions   $6 event ids   $7 types   $8 schemas   $9 subjects
-- $10 data   $11 meta   $12 times of occurrence   $13 times of record
SELECT ledger_take_back($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
