"""Pareto fronts of tables of results: which rows no other row beats."""
