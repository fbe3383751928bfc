# SPDX-FileCopyrightText: 2026 The Moesaic authors
# SPDX-License-Identifier: MIT
"""Regenerates the forecasting tables of docs/results.md.

python3 examples/forecast/tables.py ETTh1 --data DIR [--seeds 0,1,2] [--ablation] [--program build/release/examples/forecast]

Runs the program for every horizon and seed, with the defaults of the data set, and prints them beside the published rows; or with
--ablation at the first horizon, each part taken away in turn. Finished runs that are in the output folder already are taken from there;
it says so where the program is newer than they are.
"""
import argparse
import json
import math
import os
import statistics
import subprocess
import sys

# Look-back 96 (illness 36); MSE at the four horizons. Rows that score all test windows.
PUBLISHED = {
    "ETTh1": {"DLinear": ".386 .437 .481 .519", "PatchTST": ".414 .460 .501 .500", "iTransformer": ".386 .441 .487 .503",
              "S-Mamba": ".386 .443 .489 .502", "ms-Mamba": ".384 - - -", "CycleNet": ".378 .427 .464 .462", "TQNet": ".371 .428 .476 .487",
              "Leddam": ".377 .424 .459 .463"},
    "ETTm1": {"DLinear": ".345 .380 .413 .474", "PatchTST": ".329 .367 .399 .454", "iTransformer": ".334 .377 .426 .491",
              "S-Mamba": ".333 .376 .408 .475", "CycleNet": ".319 .361 .390 .448", "TQNet": ".311 .356 .390 .452",
              "Leddam": ".319 .369 .394 .460"},
    "weather": {"DLinear": ".196 .237 .283 .345", "PatchTST": ".177 .225 .278 .354", "iTransformer": ".174 .221 .278 .358",
                "S-Mamba": ".165 .214 .274 .350", "ms-Mamba": ".163 - - -", "CycleNet": ".159 .207 .263 .345", "TQNet": ".157 .206 .262 .344",
                "Leddam": ".156 .207 .262 .343"},
    "exchange_rate": {"DLinear": ".088 .176 .313 .839", "PatchTST": ".088 .176 .301 .901", "iTransformer": ".086 .177 .331 .847",
                      "S-Mamba": ".086 .182 .332 .867", "ms-Mamba": ".086 - - -", "repeating the last value": ".0811 .1671 .3057 .8101"},
    "illness": {"closed-form linear, all windows": "2.5035 2.4156 2.4130 2.4862"},
}
HORIZONS = {"illness": [24, 36, 48, 60]}
# What is taken away, or put in its place.
ABLATION = {
    "as it is": [],
    "one expert": ["expert.count=1", "flow.used=false"],
    "2 experts": ["expert.count=2"],
    "4 experts": ["expert.count=4"],
    "8 experts": ["expert.count=8"],
    "the nearest expert alone (top 1)": ["gate.top_k=1"],
    "linear gate": ["gate.kind=linear"],
    "no flow": ["flow.used=false"],
    "gate that sees level and scale": ["flow.instance_norm=false"],
    "flow not pretrained": ["flow.pretrain_epochs=0"],
    "no spectrum": ["expert.frequencies=0"],
    "one scale": ["expert.scales=[1]"],
    "no Mamba": ["expert.scales=[]"],
    "no instance norm": ["expert.instance_norm=false"],
    "with instance norm": ["expert.instance_norm=true"],
    "no closed-form start": ["expert.closed_form=false"],
    "no linear forecast": ["expert.skip=false"],
    "one linear map for all variates": ["expert.own_skips=false"],
    "no cycle": ["data.cycle=0"],
    "squared error": ["loss.mse=1", "loss.mae=0"],
    "Huber's loss": ["loss.huber=1", "loss.mae=0"],
    "learned weights of losses": ["loss.learned=true"],
    "no reconstruction": ["loss.reconstruction=0"],
    "no likelihood": ["loss.nll=0"],
    "no triplets": ["loss.triplet=0"],
    "contrastive for triplets": ["loss.triplet=0", "loss.contrastive=0.01"],
    "no consistency": ["loss.consistency=0"],
    "no balance": ["loss.balance=0"],
    "balance of switch transformers": ["loss.balance=0", "loss.switch_balance=0.01"],
    "variance of the usage for balance": ["loss.balance=0", "loss.usage_variance=0.01"],
    "router z-loss": ["loss.router_z=0.001"],
    "no separation": ["loss.separation=0"],
    "annealed temperature (2 to 0.2)": ["gate.temperature=2", "gate.final_temperature=0.2"],
}


def finished(path):
    """The result in a file; None where there is none, or one of a run that was cut short."""
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        result = json.load(file)["results"][0]
    return result if result["ending"] in ("finished", "stopped early") else None


older = set()


def run(arguments, dataset, horizon, seed, changes=()):
    name = f"{dataset}-{horizon}-seed{seed}" + "".join("-" + c for c in (*arguments.set, *changes)).replace("=", "_")
    folder = f"{arguments.output}/{name}"
    path = f"{folder}/results.json"
    result = finished(path)
    if result is None:
        settings = [word for c in (*arguments.set, *changes) for word in ("--set", c)]
        subprocess.run([arguments.program, "train", "--dataset", dataset, "--horizon", str(horizon), "--seed", str(seed), "--data",
                        arguments.data, "--output", folder, "--no-pictures", "--threads", str(arguments.threads)] + settings,
                       check=True, stdout=subprocess.DEVNULL)
        result = finished(path)
    elif os.path.getmtime(path) < os.path.getmtime(arguments.program):
        older.add(folder)
    return result


def cell(values, digits=4):
    values = [v for v in values if v is not None and math.isfinite(v)]
    if not values:
        return ""
    spread = f" ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 and len(set(values)) > 1 else ""
    return f"{statistics.mean(values):.{digits}f}{spread}"


def ablation(arguments, horizon):
    print(f"| {arguments.dataset}, horizon {horizon} | validation MSE | test MSE | test MAE | share of the networks | entropy |\n|---|---|---|---|---|---|")
    for name, changes in ABLATION.items():
        runs = [run(arguments, arguments.dataset, horizon, int(s), changes) for s in arguments.seeds.split(",")]
        print(f"| {name} | {cell([r['validation_mse'] for r in runs])} | {cell([r['test']['mse'] for r in runs])} | "
              f"{cell([r['test']['mae'] for r in runs])} | {cell([r.get('share', 1) for r in runs], 2)} | "
              f"{cell([r['routing']['entropy'] for r in runs], 2)} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", choices=PUBLISHED)
    parser.add_argument("--data", required=True, help="folder with the published files")
    parser.add_argument("--seeds", default="0", help="separated by commas")
    parser.add_argument("--ablation", action="store_true", help="one part after the other taken away, at the first horizon")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting for all runs")
    parser.add_argument("--program", default="build/release/examples/forecast")
    parser.add_argument("--output", default="out/forecast-tables")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    horizons = HORIZONS.get(arguments.dataset, [96, 192, 336, 720])
    if arguments.ablation:
        return ablation(arguments, horizons[0])
    rows = {h: [run(arguments, arguments.dataset, h, int(s)) for s in arguments.seeds.split(",")] for h in horizons}

    print(f"| {arguments.dataset}, MSE | " + " | ".join(map(str, horizons)) + " | average |\n|---|" + "---|" * (len(horizons) + 1))
    for name, numbers in PUBLISHED[arguments.dataset].items():
        values = numbers.split()
        average = "-" if "-" in values else f"{statistics.mean(map(float, values)):.4f}"
        print(f"| {name} | " + " | ".join(values) + f" | {average} |")

    def row(name, of, digits=4, average=False):
        of_each = [[of(r) for r in rows[h]] for h in horizons]
        mean = f"{statistics.mean(statistics.mean(values) for values in of_each):.{digits}f}" if average else ""
        print(f"| {name} | " + " | ".join(cell(values, digits) for values in of_each) + f" | {mean} |")

    row("ours", lambda r: r["test"]["mse"], average=True)
    row("ours, MAE", lambda r: r["test"]["mae"], average=True)
    if all("linear_start" in r for h in horizons for r in rows[h]):
        row("linear start", lambda r: r["linear_start"]["test_mse"], average=True)
        row("share of the maps", lambda r: r["linear_start"]["share"], 2)
        row("share of the networks", lambda r: r["share"], 2)
    row("ours, RMSE", lambda r: r["test"]["rmse"])
    row("ours, R2", lambda r: r["test"]["r2"])
    row("entropy of the gate's usage", lambda r: r["routing"]["entropy"], 2)
    row("best expert alone", lambda r: min(r["routing"]["mse_alone"]))
    row("worst expert alone", lambda r: max(r["routing"]["mse_alone"]))
    row("seconds of a run", lambda r: r["seconds"] + r["pretrain_seconds"], 0)


if __name__ == "__main__":
    main()
    if older:
        print(f"{len(older)} runs were made before the program was built: {', '.join(sorted(older))}", file=sys.stderr)
