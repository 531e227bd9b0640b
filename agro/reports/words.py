"""One catalogue of words: a sentence is written in English in the code, and its Russian stands in `russian`."""

from datetime import datetime, timedelta
from typing import Any

from agro.domain.errors import Refusal, Told
from agro.reports.russian import RUSSIAN

KUZBASS = timedelta(hours=7)  # [h] Asia/Novokuznetsk is UTC+7 all year. source: IANA time zone database


def say(sentence: str, language: str, **facts: Any) -> str:
    """A sentence of the catalogue with its facts.

    sentence  the English sentence, with {names} for facts
    language  `ru` or `en`
    facts     any values [-]; a Refusal or Told among them is told in the same language
    returns   text [-]; English where the catalogue lacks the sentence
    source    ours
    """
    template = RUSSIAN.get(sentence, sentence) if language == "ru" else sentence
    told = {
        name: say(value.text, language, **value.facts) if isinstance(value, Refusal | Told) else value
        for name, value in facts.items()
    }
    return template.format(**told)


def reason(refusal: Refusal, language: str) -> str:
    """Why something was refused.

    refusal   what was refused
    language  `ru` or `en`
    returns   one sentence [-]
    source    ours
    """
    return say(refusal.text, language, **refusal.facts)


def remedy(refusal: Refusal, language: str) -> str:
    """What to do about a refusal.

    refusal   what was refused
    language  `ru` or `en`
    returns   one sentence [-]
    source    ours
    """
    return say(refusal.remedy, language, **refusal.facts)


def number(value: float, digits: int, language: str) -> str:
    """A number as people write it.

    value     any [-]
    digits    after the decimal sign [-]
    language  `ru` or `en`
    returns   text [-]: decimal comma and thin spaces in Russian
    source    GOST R 7.0.97 leaves it open; ours after common Russian typesetting
    """
    text = f"{value:,.{digits}f}"
    return text.replace(",", "\u202f").replace(".", ",") if language == "ru" else text


def day(instant: datetime, language: str) -> str:
    """The day of an instant where the fields are.

    instant   UTC
    language  `ru` or `en`
    returns   text [-]: 22.05.2026 in Russian, 2026-05-22 in English, by the clock of Kuzbass
    source    ours
    """
    local = instant + KUZBASS
    return local.strftime("%d.%m.%Y" if language == "ru" else "%Y-%m-%d")
