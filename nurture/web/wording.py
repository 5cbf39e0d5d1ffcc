"""What the pages behind a mail's links say, in the languages of the shipped mails."""

from collections.abc import Mapping

LANGUAGES = ("en", "fr", "pt")

_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "lang": "en",
        "unsubscribe_title": "No more of these mails?",
        "unsubscribe_text": "One click, and we stop. Nothing happens until you press the button.",
        "unsubscribe_button": "Unsubscribe",
        "unsubscribed_title": "You are unsubscribed",
        "unsubscribed_text": "We will not send you any more marketing mail. You need not do anything else.",
        "unsubscribed_change": "Rather choose what you get?",
        "preferences_title": "Your mail from us",
        "preferences_for": "Preferences of",
        "topics": "Topics",
        "less_often": "Less often",
        "less_often_hint": "At most half as many mails as usual.",
        "pause": "Pause for 30 days",
        "pause_hint": "Nothing at all until then; afterwards we go on.",
        "paused_until": "Paused until",
        "save": "Save",
        "saved": "Saved. It holds from now on.",
        "nothing": "Unsubscribe from everything",
        "complained": "You reported a mail of ours as spam, so we leave you alone. A slip? Write to us.",
        "unsubscribed_note": "You are unsubscribed. Choose what you want and save to come back.",
    },
    "fr": {
        "lang": "fr",
        "unsubscribe_title": "Vous ne voulez plus de ces courriels ?",
        "unsubscribe_text": "Un clic, et nous arrêtons. Rien ne change tant que vous n’avez pas cliqué.",
        "unsubscribe_button": "Me désinscrire",
        "unsubscribed_title": "Vous êtes désinscrit",
        "unsubscribed_text": "Nous ne vous enverrons plus de courriel commercial. Rien d’autre à faire.",
        "unsubscribed_change": "Préférez-vous choisir ce que vous recevez ?",
        "preferences_title": "Vos courriels de notre part",
        "preferences_for": "Préférences de",
        "topics": "Sujets",
        "less_often": "Moins souvent",
        "less_often_hint": "Au plus la moitié des envois habituels.",
        "pause": "Pause de 30 jours",
        "pause_hint": "Rien du tout d’ici là ; ensuite nous reprenons.",
        "paused_until": "En pause jusqu’au",
        "save": "Enregistrer",
        "saved": "Enregistré. C’est valable dès maintenant.",
        "nothing": "Me désinscrire de tout",
        "complained": "Vous avez signalé un de nos courriels comme indésirable : nous ne vous écrivons plus.",
        "unsubscribed_note": "Vous êtes désinscrit. Pour revenir, choisissez et enregistrez.",
    },
    "pt": {
        "lang": "pt",
        "unsubscribe_title": "Não quer mais estas mensagens?",
        "unsubscribe_text": "Um clique e paramos. Nada muda enquanto não carregar no botão.",
        "unsubscribe_button": "Cancelar a subscrição",
        "unsubscribed_title": "A sua subscrição foi cancelada",
        "unsubscribed_text": "Não lhe enviaremos mais mensagens comerciais. Não precisa de fazer mais nada.",
        "unsubscribed_change": "Prefere escolher o que recebe?",
        "preferences_title": "As suas mensagens da nossa parte",
        "preferences_for": "Preferências de",
        "topics": "Temas",
        "less_often": "Menos vezes",
        "less_often_hint": "No máximo metade das mensagens habituais.",
        "pause": "Pausa de 30 dias",
        "pause_hint": "Nada até lá; depois continuamos.",
        "paused_until": "Em pausa até",
        "save": "Guardar",
        "saved": "Guardado. Vale a partir de agora.",
        "nothing": "Cancelar tudo",
        "complained": "Assinalou uma mensagem nossa como spam, por isso não lhe escrevemos mais.",
        "unsubscribed_note": "A sua subscrição está cancelada. Para voltar, escolha o que quer e guarde.",
    },
}


def wording(language: str) -> Mapping[str, str]:
    """The words of a language, English where we have none of its own."""
    return _WORDS.get(language, _WORDS["en"])
