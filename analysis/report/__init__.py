"""One self-contained page of everything that a study shows, and its tables and figures as files."""
