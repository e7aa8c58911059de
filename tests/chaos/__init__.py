"""A hostile world for the payout worker: faults from outside, and a checker that shares no code with it."""
