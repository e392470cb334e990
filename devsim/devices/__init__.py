"""Device models: one file per device, grouped by what they are made of."""
