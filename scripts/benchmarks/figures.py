"""What a number is, when it meets its target, and the statistics that the numbers need."""

import math
from dataclasses import dataclass


class Unavailable(Exception):
    """A number cannot be measured here; the message says why and what would help."""


@dataclass
class Figure:
    """A measured value with its interval (None where there are too few repeats for one)."""
    value: float
    low: float | None = None
    high: float | None = None
    repeats: int = 0
    note: str = ""


@dataclass
class Target:
    """`at_least`, `at_most` or `below` a limit, judged on the value; `text` is how it is printed."""
    text: str
    at_least: float | None = None
    at_most: float | None = None
    below: float | None = None

    def is_met(self, value):
        return ((self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)
                and (self.below is None or value < self.below))


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def median_figure(values, note=""):
    """The median with the narrowest pair of order statistics that covers it at 95 % or more (sign test)."""
    ordered = sorted(values)
    count = len(ordered)
    low = high = None
    for dropped in range((count - 1) // 2 + 1):
        outside = 2 * sum(math.comb(count, i) for i in range(dropped + 1)) / 2**count
        if outside > 0.05:
            break
        low, high = ordered[dropped], ordered[count - 1 - dropped]
    return Figure(median(ordered), low, high, count, note)


def transformed(figure, function):
    """The figure after a monotone function; a falling one swaps the ends."""
    ends = [None if end is None else function(end) for end in (figure.low, figure.high)]
    if None not in ends:
        ends.sort()
    return Figure(function(figure.value), ends[0], ends[1], figure.repeats, figure.note)
