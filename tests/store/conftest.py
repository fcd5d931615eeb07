"""Collecting imports every module, which would warm every worker."""

collect_ignore = ["warm_child.py"]
