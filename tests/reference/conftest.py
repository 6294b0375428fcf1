"""The scripts that made the numbers need the other implementations, so they are not collected."""

collect_ignore_glob = ["make_*.py"]
