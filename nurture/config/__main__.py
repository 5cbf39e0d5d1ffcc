"""`python -m nurture.config` renews docs/settings.md and .env.example."""

from pathlib import Path

from nurture.config.reference import settings_example, settings_table

if __name__ == "__main__":
    Path("docs/settings.md").write_text(settings_table(), encoding="utf-8")
    Path(".env.example").write_text(settings_example(), encoding="utf-8")
