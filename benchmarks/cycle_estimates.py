"""The errors of the cycle estimates of ``mltk profile``. With ``--write``, also the fit of their coefficients.

    python benchmarks/cycle_estimates.py            # fit, leave out, print the errors
    python benchmarks/cycle_estimates.py --write    # also write src/mltk/micro/targets/*.json

No estimate is judged by data that it was fitted to: each model, and each family of models with the same network, is
left out in turn. The fit needs scipy, which comes with the ``train`` extra. An estimate does not need it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # many small systems: threads disturb each other

import numpy as np
from cycle_fit import mvp
from cycle_fit.cores import BOARDS, NETWORKS, CoreFit
from cycle_fit.files import write_targets


def _spread(errors: Iterable[float]) -> str:
    size = np.abs(list(errors))
    return f"median {np.median(size):6.1%}   90 % within {np.quantile(size, 0.9):6.1%}   largest {size.max():6.1%}"


def report_mvp() -> tuple[mvp.MvpFit, mvp.LeftOut, mvp.LeftOut]:
    """Print the errors on the xG24. Return the fit and the errors on models that were left out."""
    rows, totals = mvp.read()
    one = mvp.leave_out(rows, totals, [(name,) for name in totals])
    family = mvp.leave_out(rows, totals, mvp.families(totals))
    print(f"xG24 with MVP: {len(rows)} layers of {len(totals)} models, measured on hardware")
    for title, left_out in (("one model", one), ("one family of models", family)):
        print(f"\n  leaving out {title} at a time")
        for name, errors in left_out.layers.items():
            print(f"    per layer, {name:42} {_spread(errors)}   n={len(errors)}")
        print(f"    per model, {'time of the whole model':42} {_spread(left_out.models.values())}")
    print("\n  per model, left out alone / with its family")
    for name in totals:
        print(f"    {name:42} {one.models[name]:+7.1%} / {family.models[name]:+7.1%}")
    return mvp.fit(rows), one, family


def report_cores() -> tuple[CoreFit, dict[tuple[str, str], float], dict[tuple[str, str], float]]:
    """Print the errors on the rows of MLPerf Tiny. Return the fit and the errors."""
    fit = CoreFit()
    by_row = fit.leave_out(lambda board, network: {(board, network)})
    by_network = fit.leave_out(lambda board, network: {(b, network) for b in BOARDS})
    print(f"\nCortex-M: {len(by_row)} latencies of MLPerf Tiny")
    for title, errors in (("one latency", by_row), ("one network on all boards", by_network)):
        within = sum(abs(e) <= 0.25 for e in errors.values())
        print(f"\n  leaving out {title} at a time: {_spread(errors.values())}   within 25 %: {within} of {len(errors)}")
        print(f"    {'':22}" + "".join(f"{n:>13}" for n in NETWORKS))
        for board in BOARDS:
            print(f"    {board:22}" + "".join(f"{errors[board, n]:>+13.1%}" for n in NETWORKS))
    return fit, by_row, by_network


def main() -> int:
    """Print all figures, and write the targets with ``--write``. The exit code is 1 if an error is above its limit."""
    fitted, one, family = report_mvp()
    cores, by_row, by_network = report_cores()
    layer = max(float(np.median(np.abs(e))) for e in one.layers.values())
    model = float(np.median(np.abs(list(one.models.values()))))
    row = max(abs(e) for e in by_row.values())
    promised = (("xG24, median per layer", layer, 0.15), ("xG24, median per model", model, 0.10))
    promised = (*promised, ("MLPerf Tiny, largest on a row not fitted to", row, 0.25))
    print("\npromised")
    for name, found, limit in promised:
        print(f"  {name:46} {found:6.1%} (at most {limit:.0%})")
    if "--write" in sys.argv[1:]:
        for path in write_targets(fitted, one, family, cores, by_network):
            print(f"wrote {path}")
    return 0 if all(found <= limit for _, found, limit in promised) else 1


if __name__ == "__main__":
    sys.exit(main())
