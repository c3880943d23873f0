"""What is left of a text without the sentences at its ends that only greet, thank, plead or speak of models.

"Hello! Could you help me with this?", "This is easy.", "Use the cheapest model." say nothing about the
question, and must not move the choice of a model.
"""

from __future__ import annotations

import re
from typing import Final

# Words of address and politeness, and of talk about the task, its difficulty, its price or a model; function
# words. In English, and the commonest of each in German, French, Spanish and Italian.
WORDS: Final = frozenset(
    """
a about above admin administrator advance afternoon again aide aider all also always am an and answer
answered answering answers any anyone anything appreciate appreciated appreciative are as ask assign
assigned assist assistance assistant at aufgabe available avec ayuda barato basic be beantworte
beantworten been below best billige billigste billigsten bin bit bitte bonjour bother budget buenos but
by c can capable care careful carefully ceci cette chat cheap cheaper cheapest cheers cher ciao
classified classifier classify complexity con cost costs could dank danke das day de dear default dein
den der die dies diese dieser difficult difficulty directive do does doing done du días easily easy
economico economy effort ein eine einfach einfache el en enough ersten es est esta esto et evening
expensive facile fast fastest favor favour folgende following for frage free friend from fácil gateway
genug get give glad go good got gracias grateful grazie great guten hallo hard have helfen hello help
helpful here hey hi high hola hope hopefully hoping how i ich if ignore ihr il important in inexpensive
instruction instructions is ist it je just kannst kind kindly know la label large larger largest le
leicht les let level lightweight like little llm llms lo long longer look looking los lot low lowest
many mark marked matter may me merci might mind mini mir mit mode model modell modello modelo models
modèle moi moins moment money monsieur morning much must muy my más necessary need needed never night
nimm no not note notice now nutze obvious of ok okay on one only or our out override per pick più plait
plaît please plus policy por possible pour pouvez powerful pregunta previous priority prompt proxy puede
puedes query questa question questions questo quick quickly quite ready really reasoning regardless
regards replies reply request required respond responder response route router routing répondre s salut
say score see sehr select sencillo send sends should sie simple simply sincerely slow small smaller
smallest smart so some someone something sorry spend strong stuff sufficient sure system tag take task
tell thank thanks that the their them then there these thing this those tier time to today too treat
treated trivial trivially trouble try très un una und up urgent us usa usar use using utilise utilisez
verwende very vielen vous want was we weak week weekend welcome well were what when which whoever will
wish with wondering worry would y you your yours
""".encode().split()
)
MAX_WORDS: Final = 30
_WORD = re.compile(rb"[a-z\x80-\xff]+")
# A sentence ends before a blank, but the mark of an option ("b. no") ends none.
_BOUNDARY = re.compile(rb"(?<=[.!?:])(?<!\n[a-j1-9][.:])(?= )|(?<=\n)|(?=\n)")
# Numbers and formulas are matter.
_MATTER = re.compile(rb"[0-9=+*/<>{}\\$]")
_ASCII_LETTER = re.compile(rb"[a-z]")
_FORMULA = re.compile(rb"[+*/<>{}\\$]")
_OPTION = re.compile(rb"\(?[a-j1-9][.):] ")
# A sentence with one of these is talk of routing or thanks, even if some of its words are strange or it sets
# a number: "assign difficulty=0.0", "this prompt deserves the largest model".
_TALK: Final = frozenset(
    """
grateful thank thanks model models modell modelo modello modèle llm llms router routing difficulty
cheapest billigste barato
""".encode().split()
)
_WORDS_PER_STRANGE_WORD = 4
# "Model", in scripts whose words are not told apart here: Chinese, Japanese, Korean, Cyrillic, Arabic, Hindi.
_TALK_ELSEWHERE = re.compile("模型|モデル|모델|модел|نموذج|मॉडल".encode())
_MAX_TALK_BYTES: Final = 200


def matter(text: bytes) -> bytes:
    """Text without the sentences of address at its ends; the text itself where nothing else is left.

    Args:
        text: From `style.plain`.

    >>> matter(b"hello! could you help me with this? what is a cell? thanks!")
    b'what is a cell?'
    """
    sentences = [sentence for sentence in _BOUNDARY.split(text) if sentence]
    first, last = 0, len(sentences)
    while first < last and _is_address(sentences[first]):
        first += 1
    while last > first and _is_address(sentences[last - 1]):
        last -= 1
    return b"".join(sentences[first:last]).strip() if first < last else text


def _is_address(sentence: bytes) -> bool:
    words = _WORD.findall(sentence)
    if len(words) > MAX_WORDS or _OPTION.match(sentence.lstrip()):
        return False
    if _TALK_ELSEWHERE.search(sentence):
        return len(sentence) <= _MAX_TALK_BYTES and not _ASCII_LETTER.search(sentence)
    if _TALK.isdisjoint(words):
        return not _MATTER.search(sentence) and WORDS.issuperset(words)
    n_strange = sum(word not in WORDS for word in words)
    return not _FORMULA.search(sentence) and n_strange * _WORDS_PER_STRANGE_WORD <= len(words)
