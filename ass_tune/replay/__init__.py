"""A study under virtual time, from recorded learning curves: what another pruner, sampler or budget would have done."""
