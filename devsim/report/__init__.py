"""One self-contained page per run: `devsim.report.report.render(record)`."""
