"""What a study will run and cost."""
