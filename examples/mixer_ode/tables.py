#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Moesaic authors
# SPDX-License-Identifier: MIT
"""Regenerates the result tables of docs/results.md, as Markdown: our mean and spread beside the published numbers.

    python3 examples/mixer_ode/tables.py odebench-10a --seeds 0,1,2 --jobs 2
    python3 examples/mixer_ode/tables.py odebench-2 --ablation --backbones geps
    python3 examples/mixer_ode/tables.py odebench-10a lv --ablation-of-adaptation

Every run of the program is kept as JSON in the results folder under its options, and is not repeated; --fresh repeats it, which
is needed after the program has changed.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import statistics
import subprocess
import sys

BACKBONES = ["ncf", "coda", "geps"]
TITLES = {"ncf": "NCF", "coda": "CoDA", "geps": "GEPS"}

# Rows: title, model, number of experts (None: the data set's own).
ROWS = {
    "odebench-2": [("single learner", "single", None), ("naive mixture", "naive", None), ("MixER", "mixer", None)],
    "odebench-4": [("single learner", "single", None), ("naive mixture", "naive", None), ("MixER", "mixer", None)],
    "odebench-10a": [("MixER-1", "single", None), ("naive MoE-10", "naive", 10), ("MixER-10", "mixer", 10)],
    "odebench-10b": [("MixER-1", "single", None), ("naive MoE-10", "naive", 10), ("MixER-10", "mixer", 10),
                     ("MixER-20", "mixer", 20)],
    "lv": [("single learner", "single", None), ("MixER-3", "mixer", 3), ("MixER-1 or -3, chosen", "mixer", None)],
    "go": [("single learner", "single", None), ("MixER-3", "mixer", 3), ("MixER-1 or -3, chosen", "mixer", None)],
    "sm": [("single learner", "single", None), ("MixER-3", "mixer", 3), ("MixER-1 or -3, chosen", "mixer", None)],
}
# Columns: title, where in the result, key, unit.
TEST, ADAPT = ("test",), ("adaptation", "test")
COLUMNS = {
    "odebench-2": [("relative L2", TEST, "relative", 1)],
    "odebench-4": [("train", TEST, "relative", 1), ("adapt", ADAPT, "relative", 1)],
    "odebench-10a": [("train", TEST, "relative", 1), ("adapt", ADAPT, "relative", 1)],
    "odebench-10b": [("train", TEST, "relative", 1), ("adapt", ADAPT, "relative", 1),
                     ("train % < .1", TEST, "percent_below_0.1", 1), ("adapt % < .1", ADAPT, "percent_below_0.1", 1)],
    "lv": [("InD MSE x 1e-5", TEST, "mse", 1e-5), ("OoD MSE x 1e-5", ADAPT, "mse", 1e-5)],
    "go": [("InD MSE x 1e-4", TEST, "mse", 1e-4), ("OoD MSE x 1e-4", ADAPT, "mse", 1e-4)],
    "sm": [("InD MSE x 1e-3", TEST, "mse", 1e-3), ("OoD MSE x 1e-3", ADAPT, "mse", 1e-3)],
}
# MixER (arXiv 2502.05335): figure 2, tables 2, 3 and 4; for every column of a row the cells of NCF, CoDA, GEPS.
PUBLISHED = {
    "odebench-2": {
        "single learner": [[".987", "1.906", "1.176"]],
        "naive mixture": [["1.004", "1.273", "1.259"]],
        "MixER": [[".186", ".045", ".142"]],
    },
    "odebench-10a": {
        "MixER-1": [["2.05 ± .12", ".98 ± .08", "2.61 ± .1"], ["1.80 ± .28", "6.91 ± 1.25", "2.20 ± .21"]],
        "naive MoE-10": [["1.53 ± .34", ".76 ± .07", ".58 ± .04"], ["5.28 ± 1.04", "4.25 ± .15", "1.16 ± .09"]],
        "MixER-10": [["1.05 ± .09", ".47 ± .06", "1.01 ± .05"], ["2.38 ± .23", "15.9 ± 4.2", "1.29 ± .08"]],
    },
    "odebench-10b": {
        "MixER-1": [[".12 ± .01", ".07 ± .01", ".21 ± .1"], ["3.20 ± .28", ".34 ± .05", "1.24 ± .07"],
                    ["66.9 ± 2.1", "85.6 ± 2.7", "64.4 ± 3.9"], ["40.0 ± 2.3", "50.0 ± 2.5", "37.5 ± 3.5"]],
        "naive MoE-10": [[".29 ± .02", ".15 ± .03", ".13 ± .4"], ["2.53 ± .20", ".72 ± .08", ".49 ± .02"],
                         ["36.9 ± 6.4", "71.9 ± 1.6", "71.2 ± 5.4"], ["30.0 ± 3.5", "42.5 ± .8", "50.0 ± 1.4"]],
        "MixER-10": [[".22 ± .60", ".10 ± .02", ".06 ± .01"], ["1.43 ± .23", "14.8 ± 4.2", "1.43 ± .02"],
                     ["55.6 ± 4.6", "80.0 ± 2.5", "85.6 ± 5.4"], ["2.5 ± 2.8", "25.0 ± 2.8", "32.5 ± 3.0"]],
        "MixER-20": [[".38 ± .02", ".12 ± .04", ".17 ± .03"], [".54 ± .02", ".38 ± .02", ".92 ± .10"],
                     ["37.5 ± 2.4", "60.6 ± 8.0", "55.6 ± 3.2"], ["20.0 ± 4.2", "27.5 ± 1.0", "35.0 ± 2.5"]],
    },
    "lv": {
        "single learner": [["1.68 ± .32", "1.40 ± .13", "-"], ["1.99 ± .31", "2.19 ± .78", "-"]],
        "MixER-3": [["3.70 ± .4", "4.00 ± .01", "14.8 ± .7"], ["4.45 ± .3", "53.5 ± .4", "82.4 ± .9"]],
    },
    "go": {
        "single learner": [["3.33 ± .14", "5.06 ± .81", "-"], ["2.83 ± .23", "4.22 ± 4.21", "-"]],
        "MixER-3": [["73.5 ± 21.1", "42.0 ± 18.9", "22.3 ± 23.2"], ["141.5 ± 82.8", "49.3 ± 25.1", "259.7 ± 45.0"]],
    },
    "sm": {
        "single learner": [["6.42 ± .41", "156.0 ± 40.52", "-"], ["2.03 ± .12", "8.28 ± .29", "-"]],
        "MixER-3": [["32.3 ± 4.2", "32.8 ± 3.9", "27.6 ± 5.8"], ["64.2 ± 1.5", "317.2 ± 6.0", "46.3 ± 2.7"]],
    },
}
# What each of our changes to the published algorithm is worth: it is taken back alone, in the last row all together.
ABLATION = [
    ("as it is", []),
    ("linear windows of time", ["--sampling", "linear"]),
    ("squared error", ["--loss", "mse"]),
    ("K neighbours contribute to a step", None),
    ("refit as published, greedy", ["--refit", "published", "--matching", "greedy"]),
    ("greedy matching", ["--matching", "greedy"]),
    ("refit in every step", ["--refit-every", "1"]),
    ("stepwise rates", ["--rates", "steps"]),
    ("all as published", ["--published"]),
]
# The same for adaptation, on the trained models: name of the kept result, title, options.
ADAPTATION = [
    ("", "as it is", []),
    ("gate", "expert chosen by the gate", ["--search", "gate"]),
    ("zero", "contexts start from 0", ["--start", "zero"]),
    ("gate-zero", "both, as published", ["--search", "gate", "--start", "zero"]),
]
CONTRIBUTORS = {"odebench-10b": "16", "sm": "7", "lv": "3", "go": "3"}


class Runner:
    """Runs the program and keeps what it found."""

    def __init__(self, args):
        self.args = args
        self.done = 0
        os.makedirs(args.results, exist_ok=True)

    def folder(self, options):
        name = "-".join(o.lstrip("-") for o in options if not o.startswith("--")) or "default"
        code = hashlib.sha256(" ".join(options).encode()).hexdigest()[:10]
        return os.path.join(self.args.results, f"{name[:80].replace('/', '_')}-{code}")

    def run(self, options, takes):
        """Results by take, which says more options: takes differ in tests and adaptation only, those after the first take up the
        trained model."""
        out = {}
        for take, more in takes.items():
            folder = self.folder(options)
            path = f"{folder}{'-' + take if take else ''}.json"
            if self.args.fresh or not os.path.exists(path):
                self.execute(options + more + (["--resume"] if out else []), folder, path)
            out[take] = self.load(path)
        return out

    def execute(self, options, folder, path):
        threads = max(1, (os.cpu_count() or 1) // self.args.jobs)
        command = [self.args.program, *options, "--threads", str(threads), "--quiet", "--no-pictures", "--json", path,
                   "--output", folder]
        process = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.done += 1
        print(f"[{self.done}] {' '.join(options)}", file=sys.stderr, flush=True)
        if process.stderr:
            print(process.stderr.strip(), file=sys.stderr)
        if not os.path.exists(path):
            sys.exit(f"tables.py: {' '.join(command)} failed")
        if any(m["ending"] == "interrupted" for m in self.load(path)["models"]):
            os.remove(path)
            raise KeyboardInterrupt

    @staticmethod
    def load(path):
        with open(path) as file:
            return json.load(file)

    def run_all(self, jobs, takes):
        """From a list of (key, options) to {(key, take): [result of each seed]}."""
        work = [(key, options + ["--seed", seed]) for key, options in jobs for seed in self.args.seeds.split(",")]
        with concurrent.futures.ThreadPoolExecutor(self.args.jobs) as pool:
            results = list(pool.map(lambda item: self.run(item[1], takes), work))
        out = {}
        for (key, _), found in zip(work, results):
            for take, result in found.items():
                out.setdefault((key, take), []).append(result)
        return out


def takes_of(variants):
    """Takes by the variant of the data; sets without variants have one take."""
    return {variant or "": ["--variant", variant] if variant else [] for variant in variants}


def number(x):
    """Two digits behind the point, or three that count."""
    return f"{x:.0f}" if abs(x) >= 100 else f"{x:.1f}" if abs(x) >= 10 else f"{x:.2f}" if abs(x) >= 0.1 else f"{x:.2g}"


def cell(results, where, key, unit):
    values = []
    for result in results:
        node = result["models"][0]
        for step in where:
            node = node.get(step, {})
        if node.get(key) is not None:
            values.append(node[key] / unit)
    diverged = len(results) - len(values)
    if not values:
        return "diverged"
    text = number(statistics.mean(values))
    if len(values) > 1:
        text += f" ± {number(statistics.stdev(values))}"
    return text + (f" ({diverged} of {len(results)} diverged)" if diverged else "")


def options_of(dataset, backbone, model, experts):
    options = ["--dataset", dataset, "--backbone", backbone, "--models", model]
    if experts:
        options += ["--experts", str(experts)]
    return options


def table(runner, dataset, variants, backbones, extra):
    jobs = [((title, backbone), options_of(dataset, backbone, model, experts) + extra)
            for title, model, experts in ROWS[dataset] for backbone in backbones]
    found = runner.run_all(jobs, takes_of(variants))
    lines = []
    for first in range(0, len(COLUMNS[dataset]), 2):  # two columns a table: more do not fit a page
        part = range(first, min(first + 2, len(COLUMNS[dataset])))
        lines += ["| model | | " + " | ".join(f"{TITLES[b]}, {COLUMNS[dataset][c][0]}" for c in part for b in backbones) + " |",
                  "|---|---|" + "---|" * (len(part) * len(backbones))]
        for title, _, _ in ROWS[dataset]:
            published = PUBLISHED.get(dataset, {}).get(title)
            if published:
                cells = [published[c][BACKBONES.index(b)] for c in part for b in backbones]
                lines.append(f"| {title} | published | " + " | ".join(cells) + " |")
            for variant in variants:
                cells = [cell(found[((title, b), variant or "")], *COLUMNS[dataset][c][1:]) for c in part for b in backbones]
                name = {"corrected": "ours, corrected data", "published": "ours, published data", None: "ours"}[variant]
                lines.append(f"| {title} | {name} | " + " | ".join(cells) + " |")
        lines.append("")
    seconds = sum(r["seconds"] for results in found.values() for r in results)
    memory = max(r["peak_megabytes"] for results in found.values() for r in results)
    return lines + [f"{sum(map(len, found.values()))} runs, {seconds / 60:.0f} minutes of computing in all, {memory:.0f} MB of memory at most."]


def header(backbones, columns):
    return ["| taken back | " + " | ".join(f"{TITLES[b]}, {c[0]}" for b in backbones for c in columns) + " |",
            "|---|" + "---|" * (len(columns) * len(backbones))]


def mixture_of(dataset):
    """The row of the mixture whose changes are taken back: that of a given number of experts."""
    return next(row for row in ROWS[dataset] if row[0].startswith("MixER") and row[1] == "mixer")


def ablation(runner, dataset, variants, backbones, extra):
    jobs = []
    model = mixture_of(dataset)
    for backbone in backbones:
        base = options_of(dataset, backbone, model[1], model[2]) + extra
        for title, change in ABLATION:
            change = ["--contributors", CONTRIBUTORS.get(dataset, "5"), "--draw", "neighbours"] if change is None else change
            jobs.append(((title, backbone), base + change))
    takes = takes_of(variants[:1])
    found = runner.run_all(jobs, takes)
    lines = header(backbones, COLUMNS[dataset])
    for title, _ in ABLATION:
        lines.append(f"| {title} | " + " | ".join(cell(found[((title, b), next(iter(takes)))], *c[1:])
                                                 for b in backbones for c in COLUMNS[dataset]) + " |")
    return lines


def ablation_of_adaptation(runner, dataset, variants, backbones, extra):
    columns = [c for c in COLUMNS[dataset] if c[1] == ADAPT]
    if not columns:
        return [f"no table of {dataset} is about new environments"]
    model = mixture_of(dataset)
    jobs = [(backbone, options_of(dataset, backbone, model[1], model[2]) + extra) for backbone in backbones]
    (first, of_variant), = takes_of(variants[:1]).items()
    name = lambda change: "-".join(part for part in (first, change) if part)
    found = runner.run_all(jobs, {name(change): of_variant + more for change, _, more in ADAPTATION})
    lines = header(backbones, columns)
    for change, title, _ in ADAPTATION:
        lines.append(f"| {title} | " + " | ".join(cell(found[(b, name(change))], *c[1:]) for b in backbones for c in columns) + " |")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", nargs="+", choices=sorted(ROWS) + ["all"])
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--jobs", type=int, default=1, help="programs that run at the same time; they share the cores")
    parser.add_argument("--backbones", default="ncf,coda,geps")
    parser.add_argument("--variants", default="corrected,published", help="of the ODEBench data: see --variant of the program")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--ablation", action="store_true", help="what each change to the published algorithm is worth")
    instead.add_argument("--ablation-of-adaptation", action="store_true", help="the same for adaptation to new environments")
    parser.add_argument("--options", default="", help="more options for the program, in one string")
    parser.add_argument("--results", default="out/tables", help="folder of the kept results")
    parser.add_argument("--fresh", action="store_true", help="repeat runs that are kept")
    parser.add_argument("--program", default="build/release/examples/mixer_ode")
    args = parser.parse_args()
    if not os.path.exists(args.program):
        sys.exit(f"tables.py: {args.program} is not there; ./run demo builds it")
    backbones = args.backbones.split(",")
    if not set(backbones) <= set(BACKBONES):
        sys.exit(f"tables.py: backbones are {', '.join(BACKBONES)}, got {args.backbones}")
    if args.jobs < 1:
        sys.exit(f"tables.py: expected at least 1 job, got {args.jobs}")
    runner = Runner(args)
    for dataset in list(ROWS) if "all" in args.dataset else args.dataset:
        variants = args.variants.split(",") if dataset.startswith("odebench") else [None]
        make = ablation if args.ablation else ablation_of_adaptation if args.ablation_of_adaptation else table
        what = "" if make is table else f", {make.__name__.replace('_', ' ')}"
        print(f"### {dataset}{what}: mean ± standard deviation over seeds {args.seeds}\n")
        print("\n".join(make(runner, dataset, variants, backbones, args.options.split())), flush=True)
        print()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("tables.py: interrupted; finished runs are kept")
