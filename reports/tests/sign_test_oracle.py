"""Writes data/sign_test.tsv: what the sign test gives for n pairs, by exact whole numbers and fractions. An implementation of its
own (Python's standard library), beside the one in C++ that goes through logarithms of the gamma function."""

import os
from fractions import Fraction
from math import comb

CONFIDENCES = ("0.8", "0.95", "0.99", "0.9916666666666667", "0.995", "0.9979166666666667", "0.999", "0.9999")


def outside(n, dropped):
    """Probability that the median lies outside of the order statistics dropped + 1 and n - dropped."""
    return Fraction(2 * sum(comb(n, k) for k in range(dropped + 1)), 2 ** n)


def rows():
    for confidence in CONFIDENCES:
        allowed = 1 - Fraction(float(confidence))  # as the number is in binary
        for n in range(2, 61):
            best = None
            for dropped in range((n - 1) // 2 + 1):
                if 2 * dropped + 1 >= n or outside(n, dropped) > allowed:
                    break
                best = dropped
            if best is None:
                yield confidence, n, 0, 0.0
            else:
                yield confidence, n, best + 1, float(1 - outside(n, best))


def text():
    lines = ["# confidence, n, rank of the lower end (0: too few), confidence reached; by sign_test_oracle.py"]
    lines += [f"{confidence}\t{n}\t{rank}\t{reached!r}" for confidence, n, rank, reached in rows()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "sign_test.tsv"), "w", encoding="utf-8") as file:
        file.write(text())
