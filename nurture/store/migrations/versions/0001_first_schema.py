"""The first schema."""

import sqlalchemy as sa
from alembic import op

from nurture.store.migrations.types import big, json

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The first schema."""
    op.create_table(
        "audit_entry",
        sa.Column("id", big(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.String(length=128), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", json(), nullable=False),
        sa.Column("ip", sa.String(length=45), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.create_index("ix_audit_entry_at", ["at"], unique=False)

    op.create_table(
        "bucket",
        sa.Column("mailer", sa.String(length=64), nullable=False),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column("stamp", sa.DateTime(timezone=True), nullable=False),
        sa.Column("refused_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stopped_because", sa.Text(), nullable=True),
        sa.Column("doubts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("mailer", name=op.f("pk_bucket")),
    )
    op.create_table(
        "campaign",
        sa.Column("id", big(), nullable=False),
        sa.Column("slug", sa.String(length=128), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=128), nullable=False),
        sa.Column("stage", sa.String(length=128), nullable=True),
        sa.Column("topic", sa.String(length=128), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("version_id", big(), nullable=True),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["campaign_version.id"], name="fk_campaign_version_id", use_alter=True
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
        sa.UniqueConstraint("slug", name=op.f("uq_campaign_slug")),
    )
    op.create_table(
        "daily_count",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("campaign", sa.String(length=128), nullable=False),
        sa.Column("measure", sa.String(length=32), nullable=False),
        sa.Column("number", big(), nullable=False),
        sa.PrimaryKeyConstraint("day", "campaign", "measure", name=op.f("pk_daily_count")),
    )
    op.create_table(
        "decision",
        sa.Column("id", big(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lead_id", big(), nullable=False),
        sa.Column("enrollment_id", big(), nullable=True),
        sa.Column("campaign", sa.String(length=128), nullable=True),
        sa.Column("step", sa.String(length=64), nullable=True),
        sa.Column("message_id", big(), nullable=True),
        sa.Column("outcome", sa.String(length=128), nullable=False),
        sa.Column("reason", sa.String(length=128), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("values_seen", json(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
    )
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.create_index("ix_decision_campaign_at", ["campaign", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_decision_enrollment_id"), ["enrollment_id"], unique=False)
        batch_op.create_index("ix_decision_lead", ["lead_id", "at"], unique=False)

    op.create_table(
        "document",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("body", json(), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_document")),
    )
    op.create_table(
        "event",
        sa.Column("id", big(), autoincrement=False, nullable=False),
        sa.Column("lead_id", big(), nullable=False),
        sa.Column("kind", sa.String(length=128), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.String(length=128), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=True),
        sa.Column("message_id", big(), nullable=True),
        sa.Column("enrollment_id", big(), nullable=True),
        sa.Column("campaign", sa.String(length=128), nullable=True),
        sa.Column("step", sa.String(length=64), nullable=True),
        sa.Column("data", json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.create_index("ix_event_kind_at", ["kind", "at"], unique=False)
        batch_op.create_index("ix_event_lead_at", ["lead_id", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_event_message_id"), ["message_id"], unique=False)

    op.create_table(
        "generation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=128), nullable=False),
        sa.Column("rules", json(), nullable=False),
        sa.Column("half_life_seconds", big(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("built_to_lead", big(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_generation")),
    )
    op.create_table(
        "heartbeat",
        sa.Column("job", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("every_seconds", sa.Integer(), nullable=False),
        sa.Column("took_ms", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("job", name=op.f("pk_heartbeat")),
    )
    op.create_table(
        "hit",
        sa.Column("id", big(), nullable=False),
        sa.Column("message_id", big(), nullable=False),
        sa.Column("kind", sa.String(length=128), nullable=False),
        sa.Column("link", sa.Integer(), nullable=True),
        sa.Column("method", sa.String(length=8), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ip", sa.String(length=45), nullable=True),
        sa.Column("user_agent", sa.String(length=512), nullable=True),
        sa.Column("settle_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=True),
        sa.Column("reasons", json(), nullable=False),
        sa.Column("event_id", big(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hit")),
    )
    with op.batch_alter_table("hit", schema=None) as batch_op:
        batch_op.create_index("ix_hit_ip_at", ["ip", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_hit_message_id"), ["message_id"], unique=False)
        batch_op.create_index(
            "ix_hit_unsettled",
            ["settle_at"],
            unique=False,
            sqlite_where=sa.text("verdict IS NULL"),
            postgresql_where=sa.text("verdict IS NULL"),
        )

    op.create_table(
        "ladder_change",
        sa.Column("id", big(), nullable=False),
        sa.Column("lead_id", big(), nullable=False),
        sa.Column("ladder", sa.String(length=128), nullable=False),
        sa.Column("from", sa.String(length=128), nullable=True),
        sa.Column("to", sa.String(length=128), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rule", sa.String(length=128), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("event_id", big(), nullable=True),
        sa.Column("pinned_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ladder_change")),
    )
    with op.batch_alter_table("ladder_change", schema=None) as batch_op:
        batch_op.create_index("ix_ladder_change_at", ["ladder", "at"], unique=False)
        batch_op.create_index("ix_ladder_change_lead", ["lead_id", "at"], unique=False)

    op.create_table(
        "lease",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("epoch", big(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.create_table(
        "login_attempt",
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_login_attempt")),
    )
    op.create_table(
        "outbox_mail",
        sa.Column("id", big(), nullable=False),
        sa.Column("mid", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_mail")),
        sa.UniqueConstraint("mid", name=op.f("uq_outbox_mail_mid")),
    )
    op.create_table(
        "raw_item",
        sa.Column("id", big(), nullable=False),
        sa.Column("source", sa.String(length=128), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("headers", json(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=128), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_raw_item")),
        sa.UniqueConstraint("digest", name=op.f("uq_raw_item_digest")),
    )
    with op.batch_alter_table("raw_item", schema=None) as batch_op:
        batch_op.create_index(
            "ix_raw_item_new",
            ["id"],
            unique=False,
            sqlite_where=sa.text("status = 'new'"),
            postgresql_where=sa.text("status = 'new'"),
        )

    op.create_table(
        "score_entry",
        sa.Column("id", big(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("lead_id", big(), nullable=False),
        sa.Column("rule", sa.String(length=128), nullable=False),
        sa.Column("dedupe_key", sa.String(length=128), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("event_id", big(), nullable=True),
        sa.Column("reverses", big(), nullable=True),
        sa.Column("raw", sa.Float(), nullable=False),
        sa.Column("cut", sa.Float(), nullable=False),
        sa.Column("net", sa.Float(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_score_entry")),
        sa.UniqueConstraint(
            "generation",
            "lead_id",
            "rule",
            "dedupe_key",
            "seq",
            name=op.f("uq_score_entry_generation_lead_id_rule_dedupe_key_seq"),
        ),
    )
    with op.batch_alter_table("score_entry", schema=None) as batch_op:
        batch_op.create_index("ix_score_entry_lead", ["lead_id", "generation", "effective_at"], unique=False)

    op.create_table(
        "setting",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", json(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_setting")),
    )
    op.create_table(
        "suppression",
        sa.Column("id", big(), nullable=False),
        sa.Column("address_hash", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=True),
        sa.Column("scope", sa.String(length=128), nullable=False),
        sa.Column("reason", sa.String(length=128), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppression")),
        sa.UniqueConstraint("address_hash", "scope", name=op.f("uq_suppression_address_hash_scope")),
    )
    op.create_table(
        "template_version",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("slug", sa.String(length=128), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("kind", sa.String(length=128), nullable=False),
        sa.Column("front", json(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("layout", sa.Text(), nullable=True),
        sa.Column("compiled", json(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_template_version")),
    )
    with op.batch_alter_table("template_version", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_template_version_slug"), ["slug"], unique=False)

    op.create_table(
        "user",
        sa.Column("id", big(), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=128), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("totp_secret", sa.Text(), nullable=True),
        sa.Column("totp_last_step", big(), nullable=False),
        sa.Column("recovery_hashes", json(), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=True),
        sa.Column("language", sa.String(length=35), nullable=True),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user")),
        sa.UniqueConstraint("address", name=op.f("uq_user_address")),
    )
    op.create_table(
        "verdict_change",
        sa.Column("id", big(), nullable=False),
        sa.Column("event_id", big(), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("reasons", json(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verdict_change")),
    )
    with op.batch_alter_table("verdict_change", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_verdict_change_event_id"), ["event_id"], unique=False)

    op.create_table(
        "campaign_version",
        sa.Column("id", big(), nullable=False),
        sa.Column("campaign_id", big(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("definition", json(), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_campaign_version_campaign_id_campaign")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_version")),
        sa.UniqueConstraint("campaign_id", "number", name=op.f("uq_campaign_version_campaign_id_number")),
    )
    # A campaign and its versions name each other. SQLite has taken that key with the table above.
    if op.get_context().dialect.name != "sqlite":
        op.create_foreign_key(
            "fk_campaign_version_id", "campaign", "campaign_version", ["version_id"], ["id"]
        )
    op.create_table(
        "company",
        sa.Column("id", big(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_folded", sa.Text(), nullable=False),
        sa.Column("domain", sa.String(length=255), nullable=True),
        sa.Column("industry", sa.Text(), nullable=True),
        sa.Column("size", sa.String(length=32), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=True),
        sa.Column("zone", sa.String(length=64), nullable=True),
        sa.Column("owner_id", big(), nullable=True),
        sa.Column("fields", json(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["user.id"], name=op.f("fk_company_owner_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_company")),
        sa.UniqueConstraint("domain", name=op.f("uq_company_domain")),
    )
    with op.batch_alter_table("company", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_company_name_folded"), ["name_folded"], unique=False)

    op.create_table(
        "fire",
        sa.Column("campaign_id", big(), nullable=False),
        sa.Column("instant", sa.DateTime(timezone=True), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=128), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entered", sa.Integer(), nullable=False),
        sa.Column("reached", big(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_fire_campaign_id_campaign")),
        sa.PrimaryKeyConstraint("campaign_id", "instant", "zone", name=op.f("pk_fire")),
    )
    op.create_table(
        "inbox",
        sa.Column("event_id", big(), autoincrement=False, nullable=False),
        sa.Column("lead_id", big(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name=op.f("fk_inbox_event_id_event")),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_inbox")),
    )
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.create_index("ix_inbox_at", ["at", "event_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_inbox_lead_id"), ["lead_id"], unique=False)

    op.create_table(
        "sign_in",
        sa.Column("id_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", big(), nullable=True),
        sa.Column("data", json(), nullable=False),
        sa.Column("ip", sa.String(length=45), nullable=True),
        sa.Column("user_agent", sa.String(length=512), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_sign_in_user_id_user")),
        sa.PrimaryKeyConstraint("id_hash", name=op.f("pk_sign_in")),
    )
    with op.batch_alter_table("sign_in", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sign_in_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_sign_in_user_id"), ["user_id"], unique=False)

    op.create_table(
        "template",
        sa.Column("slug", sa.String(length=128), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("version_id", sa.String(length=64), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["template_version.id"], name=op.f("fk_template_version_id_template_version")
        ),
        sa.PrimaryKeyConstraint("slug", "language", name=op.f("pk_template")),
    )
    op.create_table(
        "user_token",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", big(), nullable=False),
        sa.Column("purpose", sa.String(length=128), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_user_token_user_id_user")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_user_token")),
    )
    with op.batch_alter_table("user_token", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_user_token_user_id"), ["user_id"], unique=False)

    op.create_table(
        "lead",
        sa.Column("id", big(), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=True),
        sa.Column("first_name", sa.Text(), nullable=True),
        sa.Column("first_name_folded", sa.Text(), nullable=False),
        sa.Column("last_name", sa.Text(), nullable=True),
        sa.Column("last_name_folded", sa.Text(), nullable=False),
        sa.Column("search", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=True),
        sa.Column("zone", sa.String(length=64), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=True),
        sa.Column("company_id", big(), nullable=True),
        sa.Column("owner_id", big(), nullable=True),
        sa.Column("lifecycle", sa.String(length=128), nullable=False),
        sa.Column("lifecycle_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifecycle_pinned_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stage", sa.String(length=128), nullable=False),
        sa.Column("stage_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stage_pinned_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fit", sa.String(length=1), nullable=False),
        sa.Column("fit_points", sa.Float(), nullable=False),
        sa.Column("fit_coverage", sa.Float(), nullable=False),
        sa.Column("mailable", sa.Boolean(), nullable=False),
        sa.Column("not_mailable_because", sa.Text(), nullable=True),
        sa.Column("refused_topics", json(), nullable=False),
        sa.Column("conversation_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("less_often", sa.Boolean(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("fields", json(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_lead_company_id_company")),
        sa.ForeignKeyConstraint(["owner_id"], ["user.id"], name=op.f("fk_lead_owner_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead")),
        sa.UniqueConstraint("address", name=op.f("uq_lead_address")),
    )
    with op.batch_alter_table("lead", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lead_company_id"), ["company_id"], unique=False)
        batch_op.create_index("ix_lead_created_at", ["created_at", "id"], unique=False)
        batch_op.create_index("ix_lead_ladders", ["lifecycle", "stage"], unique=False)

    op.create_table(
        "consent",
        sa.Column("id", big(), nullable=False),
        sa.Column("lead_id", big(), nullable=False),
        sa.Column("topic", sa.String(length=128), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("text_version", sa.Text(), nullable=True),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("ip", sa.String(length=45), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_consent_lead_id_lead")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    with op.batch_alter_table("consent", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_consent_lead_id"), ["lead_id"], unique=False)

    op.create_table(
        "enrollment",
        sa.Column("id", big(), nullable=False),
        sa.Column("campaign_id", big(), nullable=False),
        sa.Column("version_id", big(), nullable=False),
        sa.Column("lead_id", big(), nullable=False),
        sa.Column("cause", sa.String(length=128), nullable=False),
        sa.Column("status", sa.String(length=128), nullable=False),
        sa.Column("position", sa.String(length=64), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("goal_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("frozen_wait_seconds", big(), nullable=True),
        sa.Column("skips", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_enrollment_campaign_id_campaign")
        ),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_enrollment_lead_id_lead")),
        sa.ForeignKeyConstraint(
            ["version_id"], ["campaign_version.id"], name=op.f("fk_enrollment_version_id_campaign_version")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrollment")),
        sa.UniqueConstraint(
            "campaign_id", "lead_id", "cause", name=op.f("uq_enrollment_campaign_id_lead_id_cause")
        ),
    )
    with op.batch_alter_table("enrollment", schema=None) as batch_op:
        batch_op.create_index(
            "ix_enrollment_campaign_status", ["campaign_id", "status", "position"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_enrollment_lead_id"), ["lead_id"], unique=False)

    op.create_table(
        "lead_alias",
        sa.Column("old_id", big(), autoincrement=False, nullable=False),
        sa.Column("lead_id", big(), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=True),
        sa.Column("merged_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_lead_alias_lead_id_lead")),
        sa.PrimaryKeyConstraint("old_id", name=op.f("pk_lead_alias")),
    )
    op.create_table(
        "lead_tag",
        sa.Column("lead_id", big(), nullable=False),
        sa.Column("tag", sa.String(length=128), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_lead_tag_lead_id_lead")),
        sa.PrimaryKeyConstraint("lead_id", "tag", name=op.f("pk_lead_tag")),
    )
    with op.batch_alter_table("lead_tag", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lead_tag_tag"), ["tag"], unique=False)

    op.create_table(
        "read_piece",
        sa.Column("lead_id", big(), nullable=False),
        sa.Column("piece", sa.String(length=128), nullable=False),
        sa.Column("message_id", big(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_read_piece_lead_id_lead")),
        sa.PrimaryKeyConstraint("lead_id", "piece", name=op.f("pk_read_piece")),
    )
    with op.batch_alter_table("read_piece", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_read_piece_message_id"), ["message_id"], unique=False)

    op.create_table(
        "recheck",
        sa.Column("lead_id", big(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_recheck_lead_id_lead")),
        sa.PrimaryKeyConstraint("lead_id", name=op.f("pk_recheck")),
    )
    with op.batch_alter_table("recheck", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_recheck_at"), ["at"], unique=False)

    op.create_table(
        "score",
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("lead_id", big(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heat", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_score_lead_id_lead")),
        sa.PrimaryKeyConstraint("generation", "lead_id", name=op.f("pk_score")),
    )
    with op.batch_alter_table("score", schema=None) as batch_op:
        batch_op.create_index("ix_score_heat", ["generation", "heat"], unique=False)

    op.create_table(
        "segment_member",
        sa.Column("segment", sa.String(length=128), nullable=False),
        sa.Column("lead_id", big(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_segment_member_lead_id_lead")),
        sa.PrimaryKeyConstraint("segment", "lead_id", name=op.f("pk_segment_member")),
    )
    op.create_table(
        "task",
        sa.Column("id", big(), nullable=False),
        sa.Column("lead_id", big(), nullable=False),
        sa.Column("kind", sa.String(length=128), nullable=False),
        sa.Column("owner_id", big(), nullable=True),
        sa.Column("enrollment_id", big(), nullable=True),
        sa.Column("dedupe_key", sa.String(length=128), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("reasons", json(), nullable=False),
        sa.Column("status", sa.String(length=128), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_task_lead_id_lead")),
        sa.ForeignKeyConstraint(["owner_id"], ["user.id"], name=op.f("fk_task_owner_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_task_dedupe_key")),
    )
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_task_lead_id"), ["lead_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_task_owner_id"), ["owner_id"], unique=False)

    op.create_table(
        "due",
        sa.Column("enrollment_id", big(), autoincrement=False, nullable=False),
        sa.Column("lead_id", big(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["enrollment_id"], ["enrollment.id"], name=op.f("fk_due_enrollment_id_enrollment")
        ),
        sa.PrimaryKeyConstraint("enrollment_id", name=op.f("pk_due")),
    )
    with op.batch_alter_table("due", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_due_due_at"), ["due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_due_lead_id"), ["lead_id"], unique=False)

    op.create_table(
        "message",
        sa.Column("id", big(), nullable=False),
        sa.Column("mid", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=128), nullable=False),
        sa.Column("lead_id", big(), nullable=True),
        sa.Column("user_id", big(), nullable=True),
        sa.Column("address", sa.String(length=320), nullable=True),
        sa.Column("enrollment_id", big(), nullable=True),
        sa.Column("campaign_id", big(), nullable=True),
        sa.Column("step", sa.String(length=64), nullable=True),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("dedupe_key", sa.String(length=128), nullable=True),
        sa.Column("topic", sa.String(length=128), nullable=True),
        sa.Column("template_version_id", sa.String(length=64), nullable=True),
        sa.Column("piece", sa.String(length=128), nullable=True),
        sa.Column("identity", sa.String(length=128), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("reception", sa.String(length=16), nullable=True),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("not_after", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claim_token", sa.String(length=32), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sending_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("provider", sa.String(length=32), nullable=True),
        sa.Column("provider_id", sa.String(length=255), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_message_campaign_id_campaign")
        ),
        sa.ForeignKeyConstraint(
            ["enrollment_id"], ["enrollment.id"], name=op.f("fk_message_enrollment_id_enrollment")
        ),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_message_lead_id_lead")),
        sa.ForeignKeyConstraint(
            ["template_version_id"],
            ["template_version.id"],
            name=op.f("fk_message_template_version_id_template_version"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_message_user_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint(
            "enrollment_id", "step", "occurrence", name=op.f("uq_message_enrollment_id_step_occurrence")
        ),
        sa.UniqueConstraint("kind", "dedupe_key", name=op.f("uq_message_kind_dedupe_key")),
        sa.UniqueConstraint("mid", name=op.f("uq_message_mid")),
    )
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.create_index("ix_message_campaign_state", ["campaign_id", "state"], unique=False)
        batch_op.create_index("ix_message_lead_planned", ["lead_id", "planned_at"], unique=False)
        batch_op.create_index(
            "ix_message_not_sent",
            ["state", "id"],
            unique=False,
            sqlite_where=sa.text("state IN ('failed', 'suppressed', 'cancelled')"),
            postgresql_where=sa.text("state IN ('failed', 'suppressed', 'cancelled')"),
        )
        batch_op.create_index(
            "ix_message_open",
            ["state", "lease_until"],
            unique=False,
            sqlite_where=sa.text("state IN ('claimed', 'sending', 'unconfirmed')"),
            postgresql_where=sa.text("state IN ('claimed', 'sending', 'unconfirmed')"),
        )
        batch_op.create_index(
            "ix_message_pending",
            [sa.text("priority DESC"), "due_at"],
            unique=False,
            sqlite_where=sa.text("state = 'pending'"),
            postgresql_where=sa.text("state = 'pending'"),
        )
        batch_op.create_index(batch_op.f("ix_message_provider_id"), ["provider_id"], unique=False)
        batch_op.create_index(
            "ix_message_sent_at",
            ["sent_at"],
            unique=False,
            sqlite_where=sa.text("sent_at IS NOT NULL"),
            postgresql_where=sa.text("sent_at IS NOT NULL"),
        )

    op.create_table(
        "message_content",
        sa.Column("message_id", big(), autoincrement=False, nullable=False),
        sa.Column("merge", json(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("rendered_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name=op.f("fk_message_content_message_id_message")
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_message_content")),
    )
    op.create_table(
        "message_link",
        sa.Column("message_id", big(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name=op.f("fk_message_link_message_id_message")
        ),
        sa.PrimaryKeyConstraint("message_id", "number", name=op.f("pk_message_link")),
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_table("message_link")
    op.drop_table("message_content")
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_message_sent_at",
            sqlite_where=sa.text("sent_at IS NOT NULL"),
            postgresql_where=sa.text("sent_at IS NOT NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_message_provider_id"))
        batch_op.drop_index(
            "ix_message_pending",
            sqlite_where=sa.text("state = 'pending'"),
            postgresql_where=sa.text("state = 'pending'"),
        )
        batch_op.drop_index(
            "ix_message_open",
            sqlite_where=sa.text("state IN ('claimed', 'sending', 'unconfirmed')"),
            postgresql_where=sa.text("state IN ('claimed', 'sending', 'unconfirmed')"),
        )
        batch_op.drop_index(
            "ix_message_not_sent",
            sqlite_where=sa.text("state IN ('failed', 'suppressed', 'cancelled')"),
            postgresql_where=sa.text("state IN ('failed', 'suppressed', 'cancelled')"),
        )
        batch_op.drop_index("ix_message_lead_planned")
        batch_op.drop_index("ix_message_campaign_state")

    op.drop_table("message")
    with op.batch_alter_table("due", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_due_lead_id"))
        batch_op.drop_index(batch_op.f("ix_due_due_at"))

    op.drop_table("due")
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_task_owner_id"))
        batch_op.drop_index(batch_op.f("ix_task_lead_id"))

    op.drop_table("task")
    op.drop_table("segment_member")
    with op.batch_alter_table("score", schema=None) as batch_op:
        batch_op.drop_index("ix_score_heat")

    op.drop_table("score")
    with op.batch_alter_table("recheck", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_recheck_at"))

    op.drop_table("recheck")
    with op.batch_alter_table("read_piece", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_read_piece_message_id"))

    op.drop_table("read_piece")
    with op.batch_alter_table("lead_tag", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_lead_tag_tag"))

    op.drop_table("lead_tag")
    op.drop_table("lead_alias")
    with op.batch_alter_table("enrollment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_enrollment_lead_id"))
        batch_op.drop_index("ix_enrollment_campaign_status")

    op.drop_table("enrollment")
    with op.batch_alter_table("consent", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_consent_lead_id"))

    op.drop_table("consent")
    with op.batch_alter_table("lead", schema=None) as batch_op:
        batch_op.drop_index("ix_lead_ladders")
        batch_op.drop_index("ix_lead_created_at")
        batch_op.drop_index(batch_op.f("ix_lead_company_id"))

    op.drop_table("lead")
    with op.batch_alter_table("user_token", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_user_token_user_id"))

    op.drop_table("user_token")
    op.drop_table("template")
    with op.batch_alter_table("sign_in", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sign_in_user_id"))
        batch_op.drop_index(batch_op.f("ix_sign_in_expires_at"))

    op.drop_table("sign_in")
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_inbox_lead_id"))
        batch_op.drop_index("ix_inbox_at")

    op.drop_table("inbox")
    op.drop_table("fire")
    with op.batch_alter_table("company", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_company_name_folded"))

    op.drop_table("company")
    op.drop_table("campaign_version")
    with op.batch_alter_table("verdict_change", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_verdict_change_event_id"))

    op.drop_table("verdict_change")
    op.drop_table("user")
    with op.batch_alter_table("template_version", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_template_version_slug"))

    op.drop_table("template_version")
    op.drop_table("suppression")
    op.drop_table("setting")
    with op.batch_alter_table("score_entry", schema=None) as batch_op:
        batch_op.drop_index("ix_score_entry_lead")

    op.drop_table("score_entry")
    with op.batch_alter_table("raw_item", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_raw_item_new",
            sqlite_where=sa.text("status = 'new'"),
            postgresql_where=sa.text("status = 'new'"),
        )

    op.drop_table("raw_item")
    op.drop_table("outbox_mail")
    op.drop_table("login_attempt")
    op.drop_table("lease")
    with op.batch_alter_table("ladder_change", schema=None) as batch_op:
        batch_op.drop_index("ix_ladder_change_lead")
        batch_op.drop_index("ix_ladder_change_at")

    op.drop_table("ladder_change")
    with op.batch_alter_table("hit", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_hit_unsettled",
            sqlite_where=sa.text("verdict IS NULL"),
            postgresql_where=sa.text("verdict IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_hit_message_id"))
        batch_op.drop_index("ix_hit_ip_at")

    op.drop_table("hit")
    op.drop_table("heartbeat")
    op.drop_table("generation")
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_event_message_id"))
        batch_op.drop_index("ix_event_lead_at")
        batch_op.drop_index("ix_event_kind_at")

    op.drop_table("event")
    op.drop_table("document")
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.drop_index("ix_decision_lead")
        batch_op.drop_index(batch_op.f("ix_decision_enrollment_id"))
        batch_op.drop_index("ix_decision_campaign_at")

    op.drop_table("decision")
    op.drop_table("daily_count")
    op.drop_table("campaign")
    op.drop_table("bucket")
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_entry_at")

    op.drop_table("audit_entry")
