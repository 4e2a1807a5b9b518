"""Groups the points of a run by their conditions, puts them in order and names them."""

from dataclasses import dataclass

import style
from conditions import NO_FAULT, SETTINGS


def population(point):
    """Writers and readers as one word: 4w2r."""
    return f"{point.writers}w{point.readers}r"


def population_order(point):
    """Sorting key of populations: by crew, then by writers."""
    return point.writers + point.readers, point.writers


def settings_key(point):
    """What distinguishes two points beyond load, sync, fault, population and size."""
    return tuple(getattr(point, field.name) for field in SETTINGS) + (point.extra,)


def syncs(run):
    """The primitives of a run in the order of its plan."""
    return list(dict.fromkeys(trial.point.sync for trial in run.trials.values()))


def loads(run):
    """The loads of a run in the order of its plan."""
    return list(dict.fromkeys(trial.point.load for trial in run.trials.values()))


@dataclass
class Group:
    """The points that differ only in the fields that the grouping left open."""

    load: str
    fault: str
    size: int
    settings: tuple
    points: dict

    @property
    def title(self):
        """Names the conditions in words: record, 64 B, fault kill."""
        parts = [self.load, style.size(self.size)]
        if self.fault not in (NO_FAULT, ""):
            parts.append(f"fault {self.fault}")
        return " · ".join(parts + ([self.setting_words] if self.setting_words else []))

    @property
    def setting_words(self):
        """The settings that vary, in one string: hold 1 us, no rate."""
        return ", ".join(words for words in self.settings if words)

    def populations(self):
        """The populations in order, as (writers, readers)."""
        found = {(point.writers, point.readers): population_order(point) for point in self.points}
        return sorted(found, key=found.get)

    def syncs(self):
        """The primitives in the order of the plan."""
        return list(dict.fromkeys(point.sync for point in self.points))

    def by_sync(self):
        """For each primitive, a dict from (writers, readers) to its data."""
        table = {sync: {} for sync in self.syncs()}
        for point, data in self.points.items():
            table[point.sync][point.writers, point.readers] = data
        return table

    def trials_of(self, sync):
        """The judged trials of one primitive."""
        return [trial for point, data in self.points.items() if point.sync == sync for trial in data.trials]

    def trials(self):
        """All judged trials of the group."""
        return [trial for data in self.points.values() for trial in data.trials]


class SettingsNamer:
    """Says in words which settings a point has, as far as they vary within its load."""

    def __init__(self, points):
        self.values, self.extra = {}, {}
        for point in points:
            for field in SETTINGS:
                self.values.setdefault((point.load, field.name), set()).add(getattr(point, field.name))
            for name, _ in point.extra:
                self.extra.setdefault(name)
        for point in points:
            found = dict(point.extra)
            for name in self.extra:
                self.values.setdefault((point.load, name), set()).add(found.get(name))

    def words(self, point):
        """For each setting its name and value, for instance `hold 1 us`; empty where it does not vary."""
        known = tuple(self._words(point.load, field.name, getattr(point, field.name), field.word, field.write)
                      for field in SETTINGS)
        extra = dict(point.extra)
        return known + tuple(self._words(point.load, name, extra.get(name), name, str) for name in self.extra)

    def _words(self, load, name, value, word, write):
        if len(self.values[load, name]) == 1:
            return ""
        return f"{word} {write(value)}" if value or value is False else f"no {word}"


def groups(points, keep=lambda point, data: True):
    """The points that `keep` accepts, grouped by load, fault, size and settings: a group is a panel of most charts."""
    namer = SettingsNamer(points)
    found = {}
    for point, data in points.items():
        if keep(point, data):
            key = point.load, point.fault, point.size, settings_key(point)
            group = found.setdefault(key, Group(point.load, point.fault, point.size, namer.words(point), {}))
            group.points[point] = data
    order = {load: place for place, load in enumerate(dict.fromkeys(point.load for point in points))}

    def place(key):
        load, fault, size, settings = key
        return order[load], fault not in (NO_FAULT, ""), fault, _settings_order(settings), size
    return [found[key] for key in sorted(found, key=place)]


def alive(data):
    """True unless somebody was to die: those points have charts of their own, and no speed that is anybody's."""
    return all(trial.death is None for trial in data.trials)


def _settings_order(settings):
    """Sorting key: by value, what is absent first; of unknown settings, whose types may differ, by their words."""
    *known, extra = settings
    return tuple((value is not None, 0 if value is None else value) for value in known), str(extra)


def rates(trials):
    """The throughputs of these trials, without those that have none and those that stopped half-way."""
    return [trial.ops_per_s for trial in measured(trials)]


def measured(trials):
    """The trials whose throughput means something."""
    return [trial for trial in trials if trial.ops_per_s is not None and trial.verdict not in style.CUT_SHORT]


def verdict_counts(trials):
    """(word, count) of the verdicts of these trials, the worst first."""
    counts = {}
    for trial in trials:
        counts[trial.verdict] = counts.get(trial.verdict, 0) + 1
    return sorted(counts.items(), key=lambda item: style.severity(item[0]))


def leading(trials):
    """The verdict that names these trials and how many have it: the worst of the unexpected ones, else of all."""
    odd = verdict_counts(trial for trial in trials if not trial.as_expected)
    word = (odd or verdict_counts(trials))[0][0]
    return word, sum(1 for trial in trials if trial.verdict == word)


def broken(trials):
    """True if at least one of these trials did not do its work, so that its figures recommend nothing."""
    return any(trial.verdict in style.BROKEN for trial in trials)


def marked(name, trials):
    """A primitive's name for a chart, with the worst verdict behind it where its figures recommend nothing."""
    worst = next((word for word, _ in verdict_counts(trials) if word in style.BROKEN), None)
    short = style.ellipsis(name, 20)
    return f"{short} {style.verdict_look(worst).glyph} {worst}" if worst else short


def named_list(names, most=6):
    """A, B and C; beyond `most` the rest is counted."""
    names = list(names)
    if len(names) > most:
        names = names[:most] + [f"{len(names) - most} more"]
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1] if names else ""
