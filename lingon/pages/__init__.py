"""Pages and charts independent of tasks, from which reports of tasks are made."""
