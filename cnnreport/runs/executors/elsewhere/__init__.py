"""Runs on other machines: whatever is an executor of `concurrent.futures` there gets them by value."""
