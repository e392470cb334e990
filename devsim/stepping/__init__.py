"""Fixed steps in time: explicit and implicit schemes, refinable noise, delays, events, and the loop that runs them."""
