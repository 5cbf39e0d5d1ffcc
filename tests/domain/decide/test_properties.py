"""What holds for every decision, whatever the campaign, the lead and the moment."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.decide import (
    Context,
    Effect,
    Exit,
    Flow,
    Passage,
    QueueMessage,
    SleepUntil,
    decide,
)
from nurture.domain.definition.campaign import keys
from nurture.domain.timing.windows import next_send
from tests.support.strategies import START, contexts, flows, instants, leads, passages


@st.composite
def scenes(draw: st.DrawFn) -> tuple[Flow, Passage, Context]:
    flow = draw(flows())
    return flow, draw(passages(flow, START)), draw(contexts())


def order_of(flow: Flow) -> dict[str | None, int]:
    return {None: -1, **{key: place for place, key in enumerate(keys(flow.definition.steps))}}


@given(scenes())
def test_a_decision_always_moves_on_waits_into_the_future_or_exits(
    scene: tuple[Flow, Passage, Context],
) -> None:
    flow, passage, context = scene
    *others, last = decide(flow, passage, context, START)
    assert not any(isinstance(effect, SleepUntil | Exit) for effect in others)
    assert isinstance(last, SleepUntil | Exit)
    if isinstance(last, SleepUntil):
        order = order_of(flow)
        later = (order[last.step], last.occurrence) > (order[passage.position], passage.occurrence)
        assert later or last.due_at > START


@given(scenes())
def test_a_decision_is_the_same_every_time(scene: tuple[Flow, Passage, Context]) -> None:
    assert decide(*scene, START) == decide(*scene, START)


@given(scenes())
def test_a_decision_queues_at_most_one_message_and_none_that_was_queued_before(
    scene: tuple[Flow, Passage, Context],
) -> None:
    flow, passage, context = scene
    queued = [effect for effect in decide(flow, passage, context, START) if isinstance(effect, QueueMessage)]
    assert len(queued) <= 1
    again = replace(context, sent=frozenset((effect.step, effect.occurrence) for effect in queued))
    for effect in decide(flow, passage, again, START):
        assert not (isinstance(effect, QueueMessage) and (effect.step, effect.occurrence) in again.sent)


@given(scenes())
def test_a_message_is_queued_only_inside_its_window_and_never_a_piece_twice(
    scene: tuple[Flow, Passage, Context],
) -> None:
    flow, passage, context = scene
    for effect in decide(flow, passage, context, START):
        if isinstance(effect, QueueMessage):
            step = flow.steps[effect.step]
            quiet = None if getattr(step, "window", None) == "any" else context.quiet
            window = flow.windows.get(effect.step)
            assert next_send(START, context.zone, window, quiet, frozenset()) == START
            assert effect.piece not in context.read


@given(scenes())
def test_who_may_not_be_mailed_is_not(scene: tuple[Flow, Passage, Context]) -> None:
    flow, passage, context = scene
    refusing = replace(context.snapshot.lead, mailable=False)
    effects = decide(
        flow, passage, replace(context, snapshot=replace(context.snapshot, lead=refusing)), START
    )
    assert not any(isinstance(effect, QueueMessage) for effect in effects)


unburdened = leads.map(
    lambda lead: replace(lead, conversation_since=None, paused_until=None, mailable=True, tags={})
)


def after(passage: Passage, sleep: SleepUntil) -> Passage:
    return replace(
        passage,
        position=sleep.step,
        since=sleep.since,
        occurrence=sleep.occurrence,
        held_until=sleep.held_until,
        frozen=sleep.frozen,
        skips=sleep.skips,
    )


@given(flows(), contexts(unburdened), instants)
def test_every_passage_comes_to_its_end_in_bounded_steps(
    flow: Flow, context: Context, start: datetime
) -> None:
    # With quiet hours there may be windows that never open.
    context = replace(context, quiet=None)
    passage = Passage(1, 1, "random", 1, None, start, 0, start)
    now = start
    queued: list[tuple[str, int]] = []
    pieces: list[str] = []
    for turn in count():
        assert turn < 4 * len(flow.steps) + 30
        effects: tuple[Effect, ...] = decide(flow, passage, context, now)
        for effect in effects:
            if isinstance(effect, QueueMessage):
                queued.append((effect.step, effect.occurrence))
                pieces += [effect.piece] if effect.piece else []
        context = replace(context, sent=frozenset(queued), read=context.read | set(pieces))
        last = effects[-1]
        if isinstance(last, Exit):
            break
        assert isinstance(last, SleepUntil)
        passage, now = after(passage, last), max(last.due_at, now)
    assert len(queued) == len(set(queued))
    assert len(pieces) == len(set(pieces))


@given(scenes(), st.integers(1, 100))
def test_what_wakes_a_wait_too_early_does_not_make_it_shorter_or_longer(
    scene: tuple[Flow, Passage, Context], per_cent: int
) -> None:
    flow, passage, context = scene
    last = decide(flow, passage, context, START)[-1]
    if not isinstance(last, SleepUntil) or last.held_until is None or last.frozen is not None:
        return
    early = START + (last.due_at - START) * (per_cent / 101)
    again = decide(flow, after(passage, last), context, early)[-1]
    if isinstance(again, SleepUntil) and (again.step, again.occurrence) == (last.step, last.occurrence):
        assert again.held_until == last.held_until
        assert again.due_at <= last.held_until
        assert timedelta(0) < again.due_at - early
