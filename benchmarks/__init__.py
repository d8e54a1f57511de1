"""Measurements that compare models with data and with published numbers, one command each; no part of the package."""
