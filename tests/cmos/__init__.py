"""Circuits of subthreshold transistors."""
