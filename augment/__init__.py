"""Pure functions that add noise: the plan and the mix."""
