"""When mail may be sent, as it is written in files."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

ClockTime = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$")]


class WindowField(BaseModel):
    """A weekly window; one that ends before it starts runs over midnight and belongs to its start day.

    `zone` is `lead` or an IANA name; `holidays` is `lead` (of the lead's country), a country code or
    `none`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = Field(
        default=("mon", "tue", "wed", "thu", "fri", "sat", "sun"), min_length=1
    )
    from_: ClockTime = Field(default="00:00", alias="from")
    to: ClockTime = "24:00"
    zone: str = "lead"
    holidays: str = "none"

    @model_validator(mode="after")
    def _opens(self) -> "WindowField":
        if self.from_ == self.to:
            raise ValueError("the window opens and closes at the same time, so it never opens")
        return self
