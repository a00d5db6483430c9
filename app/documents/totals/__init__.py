"""What analytics reads: small totals of a tenant's records, kept exact by the records' own moves.

A move that changes what counts of a record flags it with the same write (`isUncounted`). Counting
then adds to the totals what has changed since the record was counted last, which stands in the
record (`counted`), and takes the flag away: one transaction, so that a crash leaves either. Whoever
reads adds what is flagged still, at the same moment of the database, and so is exact at any time.
"""
