"""For any WSGI server: `wsgi:app`. The scheduler is not here: run `nurture work` beside it."""

from nurture.app import create_app

app = create_app()
