"""Example leads, imported by `nurture init` where mails are kept and not sent."""
