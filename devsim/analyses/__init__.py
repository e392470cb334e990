"""Analyses: functions of a circuit with the names that circuit designers know."""
