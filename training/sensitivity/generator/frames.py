"""Requests that a text is sent in; % is the text."""

FRAMES: dict[str, tuple[str, ...]] = {
    "train": (
        "Summarise the following:\n\n%",
        "Please rewrite this so that it sounds friendlier:\n\n%",
        "Translate into French:\n\n%",
        'Fix the grammar.\n\n"%"',
        "What should I answer to this message?\n\n%\n\nKeep it under 100 words.",
        "<document>\n%\n</document>\n\nExtract the action items as a list.",
        "%\n\n^ can you check this for mistakes?",
        "Classify the sentiment of the text between the lines.\n---\n%\n---",
        "You are a helpful assistant for our back office. Input:\n%\nOutput:",
        "```\n%\n```\nwhat does this say in plain English",
    ),
    "test": (
        "tl;dr of the text below pls\n\n%",
        "Turn this into a formal letter.\n###\n%\n###",
        "I got this today, how urgent is it?\n\n> %",
        "Draft three possible replies.\n\nMessage:\n%",
        "Schreibe das auf Deutsch:\n%",
        "[INPUT]\n%\n[/INPUT]\nReturn JSON with keys topic and priority.",
        "%\n\nMake it shorter and less passive aggressive.",
        "Here is an entry from our log. Explain it to a new colleague.\n\n%\n\nThanks!",
    ),
}
