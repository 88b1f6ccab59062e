"""The shipped agent and readers under virtual time: a fleet, its sync product, what happens to it and what is seen."""
