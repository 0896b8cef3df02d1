"""Pages and charts that know no task: a report of a task is made of them."""
