"""What GEMBA judges are asked: the form of the method, in words of Dragoman's own.

The method is that of Kocmi and Federmann: "Large Language Models Are State-of-the-Art Evaluators of Translation
Quality" (EAMT 2023) for DA, "GEMBA-MQM: Detecting Translation Quality Error Spans with GPT-4" (WMT 2023) for MQM, and
https://github.com/MicrosoftTranslator/GEMBA for ESA. From there come what is asked for, the categories and severities,
the form of the answer, three translations with their errors as examples (English to German, English to Czech, Chinese
to English), and the names of the places. The sentences are not theirs, whose text is under CC BY-SA 4.0: to ask in
those, give a file of them (`template`); the hash in the signature tells which were used.
"""

from dragoman_jobs.judges.chat_template import Chat

DA: Chat = (
    (
        "user",
        "How good is this translation from {source_lang} into {target_lang}? Answer with one whole number from 0 to "
        "100 and nothing else. 0 stands for a translation that keeps none of the meaning, 100 for one that is perfect "
        "in meaning and grammar.\n\n"
        '{source_lang}: "{source_seg}"\n{target_lang}: "{target_seg}"\nScore: ',
    ),
)

_TEXTS = "{source_lang} source:\n```{source_seg}```\n{target_lang} translation:\n```{target_seg}```\n"

_CATEGORIES = (
    "List the errors in the translation above, which stands in triple backticks below its source. Name the category "
    "of each: accuracy (addition, mistranslation, omission, untranslated text), fluency (character encoding, grammar, "
    "inconsistency, punctuation, register, spelling), style (awkward), terminology (inappropriate for context, "
    "inconsistent use), non-translation, or other; where there is none, write no-error.\n"
)

_MQM = (
    "Put each error under one of three severities: critical, major or minor. With a critical error the text can't be "
    "understood. A major error makes readers stumble, who can still tell what is meant. A minor error is an error all "
    "the same, but neither makes them stumble nor hides what is meant."
)

_ESA = (
    "Put each error under one of two severities: major or minor. A major error makes readers stumble, and the text "
    "hard or impossible to understand. A minor error hardly disturbs readers, who can still tell what is meant."
)

_EXAMPLES = (
    (
        {
            "source_lang": "English", "target_lang": "German",
            "source_seg": "Your parcel left our warehouse this morning and should reach you within two working days, "
            "unless customs decide to open it.",
            "target_seg": "Ihr Paket hat unser Lager heute Morgen verlassen und sollte Sie innerhalb von zwei Tagen "
            "reach, es sei denn, der Zoll entscheiden, es zu öffnen.",
        },
        {
            "Critical": (),
            "Major": ('accuracy/untranslated text - "reach"', 'accuracy/omission - "working"'),
            "Minor": ('fluency/grammar - "entscheiden"',),
        },
    ),
    (
        {
            "source_lang": "English", "target_lang": "Czech",
            "source_seg": "The museum stays closed until spring while its roof is being repaired.",
            "target_seg": "Muzeum zůstává zavřené do jara do jara, než se opraví jeho podlaha.",
        },
        {
            "Critical": (),
            "Major": ('accuracy/mistranslation - "podlaha"',),
            "Minor": ('accuracy/addition - "do jara"', 'style/awkward - "než se opraví"'),
        },
    ),
    (
        {
            "source_lang": "Chinese", "target_lang": "English",
            "source_seg": "本店周一休息，其余时间上午九点开门，请提前打电话订位。",
            "target_seg": "This shop rests on Monday and opens at nine in the evening on other days, please call in "
            "advance.",
        },
        {
            "Critical": ('accuracy/mistranslation - "nine in the evening"',),
            "Major": ('accuracy/omission - "订位"',),
            "Minor": ('style/awkward - "rests"',),
        },
    ),
)  # fmt: skip


def _with_examples(system: str, question: str, severities: tuple[str, ...]) -> Chat:
    """A chat in which the question was answered three times before; what has no severity of its own is major."""
    turns = [("system", system)]
    for texts, errors in _EXAMPLES:
        listed = {severity: list(errors[severity]) for severity in severities}
        listed["Major"] = [*(errors["Critical"] if "Critical" not in listed else ()), *listed["Major"]]
        lines = [line for severity in severities for line in (f"{severity}:", *(listed[severity] or ["no-error"]))]
        asked = question
        for name, text in texts.items():
            asked = asked.replace(f"{{{name}}}", text)
        turns += [("user", asked), ("assistant", "\n".join(lines) + "\n")]
    return (*turns, ("user", question))


MQM = _with_examples(
    "You annotate machine translations: you find their errors, and tell how good they are.",
    f"{_TEXTS}\n{_CATEGORIES}{_MQM}",
    ("Critical", "Major", "Minor"),
)

ESA_ERRORS = _with_examples(
    "You find the errors of machine translations, and tell how good these are.",
    f"{_TEXTS}\n{_CATEGORIES}{_ESA}",
    ("Major", "Minor"),
)

ESA_SCORE: Chat = (
    (
        "user",
        "Here is a translation from {source_lang} into {target_lang}, with the errors that were marked in it. Score it "
        "from 0 to 100, on a scale on which 0 means that no meaning is preserved, 33 that some is, 66 that most is, "
        "with few mistakes of grammar, and 100 that meaning and grammar are perfect. Answer with one whole number.\n\n"
        f"{_TEXTS}Errors that were marked:\n```{{error_spans}}```\nScore (0-100): ",
    ),
)
