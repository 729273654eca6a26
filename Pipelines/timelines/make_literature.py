#!/usr/bin/env python3
"""Writes literature.json: the duration model where no annotated embryos are at hand, from published medians.

Medians, hours post insemination: tPB2 3.5 and tPNa 8 (Nantes, Gomez et al. 2022), tPNf 23.7 and tSB 100.2 (Auckland), tM 89,
tB 108, tEB 113 (Istanbul consensus 2025). Durations are differences of medians. Assumptions, not measurements: the spreads
(sigma) of the stages before tPNf and from t9+ on; t9+ at 71 h (Auckland); tEB lasting 8 h; sharing of the spread of t9+ to
tSB (27.3 h with a coefficient of variation of 0.35 in the Auckland labels) evenly between t9+ and tM; skipping of tB and tEB.
The cleavage stages here serve only until they are fitted.
"""
import json
import sys


def stage(median, sigma, skip, arrest):
    return {"duration": {"components": [{"weight": 1, "median": median, "sigma": sigma}]}, "skip": skip, "arrest": arrest}


model = {
    "provenance": "Published medians (Gomez 2022, Istanbul 2025, University of Auckland); spreads assumed. See make_literature.py.",
    "before": stage(3.5, 0.4, 0, 0.03),
    "stages": {
        "tPB2": stage(4.5, 0.4, 0.05, 0.03), "tPNa": stage(15.7, 0.18, 0.01, 0.05), "tPNf": stage(2.6, 0.3, 0.02, 0.02),
        "t2": stage(11.0, 0.15, 0.03, 0.02), "t3": stage(0.9, 1.5, 0.15, 0.02), "t4": stage(12.0, 0.3, 0.03, 0.03),
        "t5": stage(1.9, 1.2, 0.15, 0.02), "t6": stage(2.2, 1.2, 0.1, 0.03), "t7": stage(2.1, 1.1, 0.2, 0.02),
        "t8": stage(12.0, 0.7, 0.05, 0.03), "t9+": stage(18.0, 0.45, 0.05, 0.08), "tM": stage(11.2, 0.45, 0.03, 0.06),
        "tSB": stage(7.8, 0.45, 0.05, 0.04), "tB": stage(5.0, 0.5, 0.15, 0.05), "tEB": stage(8.0, 0.6, 0.2, 0.3),
        "tHB": stage(24.0, 0.6, 0, 0),
    },
    "tempos": [{"factor": 1, "share": 1}],
    "reverseCleavage": 0.003, "reverseDuration": {"components": [{"weight": 1, "median": 5, "sigma": 0.6}]},
    "degeneration": 0.01, "empty": 0.02, "clockDoubt": 0.02, "temperature": 1, "emissionFloor": 0.0001,
}
json.dump(model, open(sys.argv[1] if len(sys.argv) > 1 else "literature.json", "w"), indent=2, sort_keys=True)
