"""Fits: measured data become parameters with uncertainties: `devsim.fit.fit(...)`."""
