"""The error budget: what each imperfection costs, how the metric answers to it, and how much of it can be borne."""

from devsim.budget.each import error_budget as error_budget
from devsim.budget.full import full_budget as full_budget
from devsim.budget.trials import active_imperfections as active_imperfections
