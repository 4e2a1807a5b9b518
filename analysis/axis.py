"""Ranges and ticks of linear and logarithmic axes, and the spreading of labels that would overlap."""

import math

# Beyond this ratio a linear axis hides the small values.
LOG_FROM_RATIO = 15


def wants_log(values):
    """True if the values are positive and span more than a linear axis can show."""
    return bool(values) and min(values) > 0 and max(values) / min(values) > LOG_FROM_RATIO


def linear(values, most_ticks=6):
    """(low, high, ticks) of a linear axis from 0 that holds the values."""
    top = max(values, default=0) or 1
    rough = top / (most_ticks - 1)
    magnitude = 10 ** math.floor(math.log10(rough))
    step = next(factor * magnitude for factor in (1, 2, 2.5, 5, 10) if factor * magnitude >= rough)
    number = math.ceil(top * 1.04 / step)
    return 0.0, number * step, [place * step for place in range(number + 1)]


def logarithmic(values, most_ticks=9):
    """(low, high, ticks) of a log axis that holds the values with a little air; they must be positive."""
    low, high = min(values) / 1.35, max(values) * 1.35
    decades = math.log10(high / low)
    factors = (1, 2, 5) if decades < 2.5 else (1, 3) if decades < 4 else (1,)
    ticks = [factor * 10.0 ** exponent
             for exponent in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
             for factor in factors if low <= factor * 10.0 ** exponent <= high]
    if len(ticks) < 2:
        return low / 2, high * 2, _around(low / 2, high * 2)
    return low, high, ticks[::math.ceil(len(ticks) / most_ticks)]


def _around(low, high):
    return [factor * 10.0 ** exponent
            for exponent in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
            for factor in (1, 2, 5) if low <= factor * 10.0 ** exponent <= high]


def axis_for(values):
    """(log, low, high, ticks): the kind of axis that these values ask for."""
    if wants_log(values):
        return True, *logarithmic(values)
    return False, *linear(values)


def spread(wanted, gap, low, high):
    """Places at least `gap` apart within [low, high], each as near to the wanted one as its neighbours allow.

    Neighbours that would touch are pooled and centred on their mean; the result keeps the order of the input.
    """
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    pools = []
    for index in order:
        pools.append([[index], wanted[index]])
        while len(pools) > 1 and _bottom(pools[-2], gap) + gap > _top(pools[-1], gap):
            last = pools.pop()
            first = pools[-1]
            members = first[0] + last[0]
            first[1] = (first[1] * len(first[0]) + last[1] * len(last[0])) / len(members)
            first[0] = members
    places = [0.0] * len(wanted)
    for members, centre in pools:
        start = centre - gap * (len(members) - 1) / 2
        for offset, index in enumerate(members):
            places[index] = start + gap * offset
    return _inside(places, order, gap, low, high)


def _top(pool, gap):
    return pool[1] - gap * (len(pool[0]) - 1) / 2


def _bottom(pool, gap):
    return pool[1] + gap * (len(pool[0]) - 1) / 2


def _inside(places, order, gap, low, high):
    """Pushes places back into the range, first from below and then from above."""
    limit = high
    for index in reversed(order):
        places[index] = min(places[index], limit)
        limit = places[index] - gap
    limit = low
    for index in order:
        places[index] = max(places[index], limit)
        limit = places[index] + gap
    return places
