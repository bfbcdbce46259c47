"""All that knows Ray: execution, searcher, scheduler, watchdog, trial actor."""
