"""What the stages of a run do: thin functions that read, call the package and write."""
