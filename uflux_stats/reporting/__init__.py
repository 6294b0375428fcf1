"""What a reader sees: numbers, figures, tables, reports."""
