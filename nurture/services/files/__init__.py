"""Files and the database: check what is written, plan what it would change, apply it, write it back."""

from nurture.services.files.applying import apply
from nurture.services.files.exporting import export
from nurture.services.files.planning import plan
from nurture.services.files.reading import check
from nurture.services.files.values import Change, Paths, Plan, Report, TemplateLine

__all__ = ["Change", "Paths", "Plan", "Report", "TemplateLine", "apply", "check", "export", "plan"]
