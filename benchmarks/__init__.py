"""Every claim of the README about speed, as a command that measures it against its peer."""
