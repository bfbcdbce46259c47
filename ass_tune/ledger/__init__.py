"""What a study remembers: the ledger, its locks, and what keeps both sound."""
