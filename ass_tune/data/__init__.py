"""Real data sets: are they complete and usable, and packed before any study asks for them."""
