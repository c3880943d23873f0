"""From results to what is read: one document, as HTML and as Markdown."""
