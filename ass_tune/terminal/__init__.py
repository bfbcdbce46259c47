"""What a person sees: plan, live view, status, the end of a study."""
