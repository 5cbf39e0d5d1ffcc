"""What a send step does when its turn comes: queue one message, hold it, or pass it over."""

from dataclasses import replace
from datetime import date, datetime, timedelta

from nurture.domain.decide.scene import Place, Scene, Turn, behind
from nurture.domain.decide.values import Note, QueueMessage
from nurture.domain.definition.steps import SendStep
from nurture.domain.errors import NotFound
from nurture.domain.sending import may_send
from nurture.domain.streams import Choice, Piece, pick_piece
from nurture.domain.timing.spans import after
from nurture.domain.timing.windows import LEAD, Window, next_send

NEVER_OPENS = timedelta(days=30)
"""How soon a window that never opens is looked at again: a person may have mended it."""


def send(scene: Scene, place: Place, step: SendStep) -> Turn:
    """One turn of a send step, which may have several."""
    if _is_done(step, place):
        return behind(scene, place)
    while (step.key, place.occurrence) in scene.context.sent:
        place = replace(place, occurrence=place.occurrence + 1)
    if _is_done(step, place):
        return behind(scene, place, Note(step.key, "passed_over", "sent_before", "It has been sent before."))
    if place.held_until is not None and scene.now < place.held_until:
        return (place.sleep(place.held_until, place.held_until),), None
    if place.queued:
        # One message at a time: the next one is asked for when this one has been counted.
        return (place.sleep(scene.now),), None
    if place.skips:
        note = Note(step.key, "passed_over", "skipped", "Its time came while the campaign was paused.")
        return _next_turn(scene, replace(place, skips=False), step, note)
    return _hold(scene, place, step) or _queue(scene, place, step)


def _is_done(step: SendStep, place: Place) -> bool:
    sending = step.send
    if sending.every is None:
        return place.occurrence >= 1
    return sending.until is not None and place.occurrence >= sending.until


def _hold(scene: Scene, place: Place, step: SendStep) -> Turn | None:
    definition = scene.flow.definition
    blocked = may_send(scene.context.snapshot.lead, definition.topic, scene.now, on_reply=definition.on_reply)
    if blocked is None or blocked.until is None:
        return None
    note = Note(step.key, "later", blocked.reason, blocked.sentence, next_at=blocked.until)
    return (note, place.sleep(blocked.until)), None


def _queue(scene: Scene, place: Place, step: SendStep) -> Turn:
    piece = _piece(scene, step)
    if step.send.stream is not None and piece is None:
        sentence = f'The stream "{step.send.stream}" has no piece left for the lead.'
        return behind(scene, place, Note(step.key, "passed_over", "no_piece", sentence))
    opens = _opens(scene, step)
    if opens is None:
        again_at = scene.now + NEVER_OPENS
        sentence = "Window, quiet hours and holidays leave no time to send to the lead within a year."
        note = Note(step.key, "later", "never_opens", sentence, next_at=again_at)
        return (note, place.sleep(again_at, again_at)), None
    if opens > scene.now:
        note = Note(step.key, "later", "window", "It is not a time to send to the lead.", next_at=opens)
        return (note, place.sleep(opens, opens)), None
    return _next_turn(scene, replace(place, queued=True), step, _message(scene, place, step, piece))


def _next_turn(scene: Scene, place: Place, step: SendStep, effect: Note | QueueMessage) -> Turn:
    """What follows a turn: the interval until the next one, or the step behind."""
    place = replace(place, occurrence=place.occurrence + 1)
    if step.send.every is None or _is_done(step, place):
        return behind(scene, place, effect)
    next_at = after(scene.now, step.send.every, scene.context.zone)
    note = Note(step.key, "waits", "every", f"The next one follows after {step.send.every}.", next_at=next_at)
    return (effect, note, place.sleep(next_at, next_at)), None


def _piece(scene: Scene, step: SendStep) -> Piece | None:
    context, slug = scene.context, step.send.stream
    if slug is None:
        return None
    stream = context.streams.get(slug)
    if stream is None:
        raise NotFound(
            f'Step "{step.key}" sends from the stream "{slug}": there is no such stream. Apply streams.yaml.'
        )
    choice = Choice(step.send.pick, step.send.match)
    return pick_piece(stream, context.snapshot.lead, context.read, scene.now, choice)


def _message(scene: Scene, place: Place, step: SendStep, piece: Piece | None) -> QueueMessage:
    definition, sending = scene.flow.definition, step.send
    return QueueMessage(
        step=step.key,
        occurrence=place.occurrence,
        template=piece.slug if piece else str(sending.template),
        since=place.since,
        piece=piece.slug if piece else None,
        topic=definition.topic,
        identity=sending.identity or definition.identity,
        not_after=piece.expires if piece else None,
    )


def _opens(scene: Scene, step: SendStep) -> datetime | None:
    """The first instant from now on at which the step may send, if there is one."""
    window = scene.flow.windows.get(step.key)
    quiet = None if step.window == "any" else scene.context.quiet
    return next_send(scene.now, scene.context.zone, window, quiet, _holidays(scene, window))


def _holidays(scene: Scene, window: Window | None) -> frozenset[date]:
    if window is None:
        return frozenset()
    country = country_of(scene) if window.holidays == LEAD else window.holidays
    return scene.context.holidays.get(country or "", frozenset())


def country_of(scene: Scene) -> str | None:
    """Where the lead lives, or else where its company is."""
    lead = scene.context.snapshot.lead
    return lead.country or (lead.company.country if lead.company else None)
