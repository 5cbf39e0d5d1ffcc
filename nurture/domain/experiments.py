"""Splits and holdouts: randomness that is a hash of stable names, so it comes out the same on every run."""

import hashlib
from bisect import bisect_right
from itertools import accumulate

from nurture.domain.definition.steps import Share, SplitStep

_SPLIT, _HOLDOUT = "split", "holdout"


def fraction(salt: str, campaign: str, step: str, lead_id: int) -> float:
    """A number in [0, 1) that belongs to these names; over many leads evenly spread.

    Different salts, campaigns and steps give independent numbers for the same lead.
    """
    named = "\x00".join((salt, campaign, step, str(lead_id)))
    digest = hashlib.blake2b(named.encode(), digest_size=8).digest()
    # 53 bits: all of them fit a float, so the result never rounds up to 1.
    return (int.from_bytes(digest, "big") >> 11) / 2**53


def held_out(campaign: str, per_cent: int, lead_id: int) -> bool:
    """Whether this lead is among the `per_cent` of a campaign's leads that are not mailed, to measure lift.

    A lead that is held out stays so however often it enters, and when the share grows.
    """
    return fraction(_HOLDOUT, campaign, "", lead_id) * 100 < per_cent


def share_of(step: SplitStep, campaign: str, lead_id: int) -> Share:
    """The arm of a split that this lead takes, on every run the same; arms of weight 0 are never taken."""
    bounds = tuple(accumulate(share.weight for share in step.split))
    point = fraction(_SPLIT, campaign, step.key, lead_id) * bounds[-1]
    return step.split[bisect_right(bounds, point)]
