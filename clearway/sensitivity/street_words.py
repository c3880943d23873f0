"""Words of street addresses in several languages, as pieces of patterns."""

from __future__ import annotations

from typing import Final

from clearway.sensitivity.patterns import CAPITAL

UNIT: Final = r"(?:apt|apartment|suite|ste|unit|flat|floor|room|lgh)\b\.?[ ]*\#?"
STRONG_STREET_WORD: Final = (
    r"(?:street|avenue|road|boulevard|lane|drive|court|place|square|terrace|highway|parkwa"
    r"y|crescent|close|mews|"
    r"(?-i:St|Ave?|Rd|Blvd|Ln|Dr|Ct|Pl|Sq|Hwy|Pkwy|Cres|Cir|Ter|Str|ST|AVE|RD|BLVD|LN|DR|C"
    r"T|PL|HWY))\b\.?"
)
NAME_WORD: Final = rf"(?:{CAPITAL}|\d{{1,3}}(?:st|nd|rd|th))"
# A word of a street's name in lower case; words of prose and of sums are none.
LOWER_WORD: Final = (
    r"(?!(?:in|of|the|on|a|an|and|or|to|at|per|for|is|are|from|with|by|down|up|along|acros"
    r"s|each|every|"
    r"lane|miles?|kms?|story|blocks?|persons?|people|foot|feet|cars?|trees?|days?|hours?|m"
    r"inutes?|years?|meters?|"
    r"metres?|inch(?:es)?|percent|square|houses?|students?)\b)[^\W\d_][\w.'\u2019-]*"
)
LOWER_STREET_WORD: Final = (
    r"(?:street|avenue|road|boulevard|lane|drive|court|terrace|parkway|crescent|close|blvd|ave|rd|ln)\b\.?"
)
STREET_PARTS: Final = (
    "street", "avenue", "road", "boulevard", "lane", "drive", "court", "place", "square", "terrace",
    "highway",
    "parkway", "crescent", "close", "mews", "st", "av", "rd", "blvd", "ln", "dr", "ct", "pl", "sq", "hwy",
    "pkwy",
    "cres", "cir", "ter",
)  # fmt: skip
LATIN_STREET: Final = (
    r"(?:bulevardul|calea|contrada|rotonda|callej\u00f3n|urbanizaci\u00f3n|glorieta|pasaje"
    r"|jalan|jl\.?|gg\.|"
    r"ulitsa|prospekt|rodovia|alameda|viela|beco|chauss\u00e9e|sentier|rue|via|viale|vicol"
    r"o|corso|calle|c/|rua|r\u00faa|avenida|avenue|avda?\.?|av\.|boulevard|bd|ul\.?|ulica|"
    r"ulice|piazza|"
    r"plaza|plazuela|paseo|praza|camino|cami\u00f1o|carrer|rambla|chemin|all\u00e9e|impass"
    r"e|quai|largo|travessa|"
    r"\u0443\u043b\.|ronda|carretera|n\u00e1m\u011bst\u00ed|trg|cesta|strada|str\.|aleja|a"
    r"l\.|os\.|pl\.|kossuth|lindenallee)"
)
_LATIN_TEXT: Final = (
    "bulevardul calea contrada rotonda callej\xf3n urbanizaci\xf3n glorieta pasaje jalan jl gg ulitsa "
    "prospekt rodovia alameda viela beco chauss\xe9e sentier rue via viale vicolo corso calle c rua r\xfaa "
    "avenida avenue avda avd av boulevard bd ul ulica ulice piazza plaza plazuela paseo praza camino "
    "cami\xf1o carrer rambla chemin all\xe9e impasse quai largo travessa \u0443\u043b ronda "
    "carretera n\xe1m\u011bst\xed trg "
    "cesta strada str aleja al os pl kossuth lindenallee "
)
LATIN_WORDS: Final = frozenset(_LATIN_TEXT.split())
COMPOUND: Final = (
    r"\p{L}{2,}(?:-|[ ])?(?:stra(?:\u00df|ss)e|str\.?|gasse|gatan|gata|g\u00f6tu|gade|katu"
    r"|kuja|vej|v\u00e4gen|veien|vegen|weg|"
    r"platz|plass|plads|plein|laan|straat|dreef|kade|gracht|steeg|allee|all\u00e9|"
    r"stigen|gr\u00e4nd|torget|torg|straeti|braut|\u00fatja|utca|k\u00f6r\u00fat|ulitsa|pr"
    r"ospekt)"
)
LIVES: Final = (
    r"(?:address(?:es)?\b|\b(?:lives?|living|lived|resid(?:e|es|ed|ing)|located|moved|movi"
    r"ng|relocated|meet(?:ing)?|"
    r"home|stay(?:s|ing)?|based|property|house|return(?:ed)?|refers?)\s+(?:at|on|in|to)\b|"
    r"\b(?:is|are)[ ](?:at|on|in|to)\b|"
    r"\b(?:deliver(?:ed|y|ies)?|ship(?:ped|ping|ment)?|sen[dt]|mail(?:ed)?|post(?:ed)?|tax"
    r"i|cab|uber|drops?\s+(?:you|me|us)\s+off|"
    r"pick(?:ed)?(?:\s+(?:me|us|it))?\s+up|arrived|parcel|package|courier|visit(?:ed)?)\b("
    r"?:\s+[^\W\d]+){0,5}?\s+(?:to|at|from|is)\b|"
    r"\bbilling\b|\bsecondary\s+address\b)"
)
LIVES_PARTS: Final = (
    "address", "live", "living", "resid", "locat", "move", "moving", "meet", "is at", "is on", "is in",
    "is to", "are at", "are on", "are in", "are to", "home", "stay", "based", "property",
    "house", "return", "refer", "deliver", "ship", "sen", "mail", "post", "taxi", "cab", "uber", "drop",
    "pick", "arriv",
    "parcel", "package", "courier", "visit", "billing",
)  # fmt: skip

SURELY: Final = (
    r"\b(?:(?:his|her|my|our|their|new|home|billing|shipping|mailing|street|postal|the|sam"
    r"e)[ ]address(?:es)?(?:[ ]is)?:?|"
    r"address(?:es)?(?:[ ]of[ ][^\n\d]{2,40}?[ ]is|[^\n\d]{0,40}?:)|(?:lives?|living|resid"
    r"es?|residing|located)[ ](?:at|on)|"
    r"side[ ]of|(?:return|taxi|cab|parcel|package)[ ]to|(?:send|sent|mail|ship|deliver)(?:"
    r"ed)?(?:[ ][^\W\d]+){0,4}?[ ]to|arrived[ ]at|office[ ]is[ ]at|enter[ ]on|(?:meet|drop"
    r"s?)[ ](?:\w+[ ])?"
    r"(?:off[ ])?at|title[ ]refers[ ]to)"
)
SURE_PARTS: Final = (
    "address", "live", "living", "resid", "located", "side of", "return to", "taxi to", "cab to", "send",
    "sent", "mail",
    "ship", "parcel to", "package to", "arrived at", "office is", "enter on", "meet", "drop", "title",
    "deliver",
)  # fmt: skip
QUANTITIES: Final = (
    r"people|persons?|percent|per|times?|days?|weeks?|months?|years?|hours?|minutes?|secon"
    r"ds?|am|pm|a\.m|p\.m|dollars?|"
    r"miles?|km|kilomet\w+|meters?|metres?|feet|degrees?|mm|cm|kg|mg|ml|and|or|of|on|the|t"
    r"o|eggs?|lit\w+|words?|points?|items?|pages?"
)

AMERICAN: Final = (
    "Alley|Annex|Arcade|Bayou|Beach|Bend|Bluff|Bottom|Branch|Bridge|Brook|Burg|Bypass|Cam"
    "p|Canyon|Cape|Causeway|Center|"
    "Circle|Cliff|Club|Common|Corner|Course|Court|Cove|Creek|Crescent|Crest|Crossing|Cros"
    "sroad|Curve|Dale|Dam|Divide|Drive|"
    "Estate|Expressway|Extension|Fall|Ferry|Field|Flat|Ford|Forest|Forge|Fork|Fort|Freewa"
    "y|Garden|Gateway|Glen|Green|Grove|"
    "Harbor|Haven|Height|Highway|Hill|Hollow|Inlet|Island|Isle|Junction|Key|Knoll|Lake|La"
    "nding|Lane|Light|Loaf|Lock|Lodge|"
    "Loop|Mall|Manor|Meadow|Mews|Mill|Mission|Motorway|Mount|Mountain|Neck|Orchard|Oval|O"
    "verpass|Park|Parkway|Pass|Passage|"
    "Path|Pike|Pine|Place|Plain|Plaza|Point|Port|Prairie|Radial|Ramp|Ranch|Rapid|Rest|Rid"
    "ge|River|Road|Route|Row|Rue|Run|"
    "Shoal|Shore|Skyway|Spring|Spur|Square|Station|Stravenue|Stream|Street|Summit|Terrace"
    "|Throughway|Trace|Track|Trafficway|"
    "Trail|Tunnel|Turnpike|Underpass|Union|Valley|Via|Viaduct|View|Village|Ville|Vista|Wa"
    "lk|Wall|Way|Well"
)
