"""One self-contained page per result: `devsim.report.render.render_page(page)`, the page being `devsim.report.page.Page`."""
