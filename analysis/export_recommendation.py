"""Writes the recommendation as lines of JSON."""

import json

import recommend
import recommend_words


def text(run):
    """One record a line."""
    found = recommend.recommend(run)
    return "".join(json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n" for record in recommend_words.all_records(found))
