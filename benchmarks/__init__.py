"""Measurements that compare models with data and with published numbers, one command each; not part of the package."""
