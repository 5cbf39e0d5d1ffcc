"""What protects every answer: headers, trusted hosts, and proxies only where the operator has some."""

from urllib.parse import urlsplit

from flask import Flask, Response, abort, request
from werkzeug.middleware.proxy_fix import ProxyFix

from nurture.config import Settings
from nurture.web.context import user_or_none

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; frame-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""No inline script or style anywhere, so there is no nonce that could leak."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
MAX_BODY_BYTES = 10 * 1024 * 1024
MAX_FORM_PARTS = 1000
ONE_YEAR_SECONDS = 31_536_000


def protect(app: Flask, settings: Settings) -> None:
    """Put the protections on every request and answer."""
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.config["MAX_FORM_PARTS"] = MAX_FORM_PARTS
    trusted = frozenset(settings.hosts)

    @app.before_request
    def only_trusted_hosts() -> None:
        if _host_name(request.host) not in trusted:
            abort(400, "This address is not one that Nurture answers to. See NURTURE_TRUSTED_HOSTS.")

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if settings.is_https:
            response.headers.setdefault("Strict-Transport-Security", f"max-age={ONE_YEAR_SECONDS}")
        if request.endpoint == "static":
            response.headers["Cache-Control"] = _static_caching()
        elif user_or_none() is not None:
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    if settings.trusted_proxies:
        count = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count)  # type: ignore[method-assign] # Flask's own way


def _host_name(host: str) -> str:
    """The name in a Host header, without port and brackets; empty where it is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _static_caching() -> str:
    # An address with the file's hash in it never changes its meaning.
    return f"public, max-age={ONE_YEAR_SECONDS}, immutable" if "v" in request.args else "public, max-age=300"
