"""For any WSGI server: `wsgi:app`. The scheduler is not here: run `nurture work` beside it."""

import atexit

from nurture.app import HITS, create_app

app = create_app()
atexit.register(app.extensions[HITS].close)
