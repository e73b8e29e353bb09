"""The cells of a notebook: code from templates, answers in Markdown, outputs of the runs."""
