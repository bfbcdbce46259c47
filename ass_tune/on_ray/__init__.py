"""All that knows Ray: execution, searcher, scheduler, watchdog and trial actor."""
