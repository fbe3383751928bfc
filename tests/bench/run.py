#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Moesaic authors
# SPDX-License-Identifier: MIT
"""Times Moesaic's benchmark programs side by side with their peers: the same problem, the same threads, taking turns.

A peer is a program of another library (PyTorch, scikit-learn, NumPy, SciPy, dlib, Armadillo) for the same problem. Each problem
is written to a folder by its peer, ours loads it, and loss and every gradient must agree. Then ours and the fastest variant of
the peer run in turns; the ratio is the median of the ratios of neighbours. Without the peers' folder only ours are timed.

Environment
  MOESAIC_PEERS         folder of the peers' scripts          (default: ../shared/peers beside the source folder)
  MOESAIC_PEER_PYTHON   a Python with torch, NumPy, SciPy, scikit-learn                            (default: python3)
  MOESAIC_PEER_BUILD    folder of the compiled C++ peers; without it they are built into the programs' folder where they can be
  MOESAIC_BENCH         folder of our programs                (default: build/release/bench of the source folder)
"""
import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PEERS = os.environ.get("MOESAIC_PEERS") or os.path.join(SOURCE, "..", "shared", "peers")
PYTHON = os.environ.get("MOESAIC_PEER_PYTHON") or "python3"
PROGRAMS = os.environ.get("MOESAIC_BENCH") or os.path.join(SOURCE, "build", "release", "bench")


class Contest:
    """One comparison: the fastest of `variants` against ours. A variant is (script, options) or (C++ program, options)."""

    def __init__(self, name, variants, targets):
        self.name, self.variants, self.targets = name, variants, targets


class Row:
    def __init__(self, key, problem, program, options, dump, contests, double=True, steps=5, on_demand=False):
        self.key, self.problem, self.program, self.options = key, problem, program, options
        self.dump, self.contests, self.double, self.steps = dump, contests, double, steps
        self.on_demand = on_demand  # minutes for its peers alone: only where it is named


def torch(script, variants, *options, isas=("avx2", "avx512")):
    return [(script, [*options, "--variant", v, "--isa", i, "--malloc", "keep"]) for v in variants for i in isas]


def plain(script, variants, *options):
    return [(script, [*options, "--variant", v]) for v in variants]


def both(target):
    return {1: target, 2: target}


def kmeans(size, problem, target, **more):
    lloyd = ["lloyd", "numpy"] if size == "a" else ["lloyd"]  # NumPy is far behind on large sets
    variants = plain("w2_kmeans.py", lloyd, "--size", size, "--warmup", "1") + [("w2_armadillo", ["--variant", "kmeans"])]
    return Row("W2" + size, problem, "w2_kmeans", ["--size", size], ["w2_kmeans.py", "--size", size],
               [Contest("best", variants, both(target))], **more)


def least_squares(size, problem, target, **more):
    def variants(*names):
        return plain("w2_lstsq.py", names, "--size", size, "--malloc", "keep")
    return Row("W2l" + size, problem, "w2_least_squares", ["--size", size], ["w2_lstsq.py", "--size", size],
               [Contest("any rank", variants("sp_gelsd", "sp_gelsy", "sp_gelss") + [("w2_armadillo", ["--variant", "solve"])], both(target)),
                Contest("full rank only", variants("torch_gels"), {})], **more)


def selective_scan(size, problem):
    script = "w3_selective_scan.py"

    def row(mode, suffix, problem):
        variants = torch(script, ["custom", "seq_tm", "step"], "--size", size, "--mode", mode)
        return Row("W3" + size + suffix, problem, script[:-3], ["--size", size + suffix], [script, "--size", size],
                   [Contest("best", variants, both(4))], steps=5 if size == "a" else 3)
    return [row("fwdbwd", "", problem + ", step"), row("fwd", "f", problem)]


ROWS = [
    Row("W1", "MixER step, 10 neural-ODE experts", "w1_mixer", [], ["w1_mixer_step.py", "--variant", "custom"],
        [Contest("hand-written sweep", torch("w1_mixer_step.py", ["custom"]), {1: 2.5, 2: 4.5}),
         Contest("best of the others", torch("w1_mixer_step.py", ["bmm_hoist", "fx"]), {}),
         Contest("loop over modules", torch("w1_mixer_step.py", ["loop"]), both(10))]),
    kmeans("a", "k-means 360 x 40, 10 clusters", 8),
    kmeans("b", "k-means 200k x 32, 64 clusters, 20 passes", 2.5, steps=2),
    kmeans("c", "k-means 1M x 16, 256 clusters, 20 passes", 2.5, double=False, steps=1, on_demand=True),
    least_squares("a", "least squares 360 x 41 -> 10", 3),
    least_squares("b", "least squares 200k x 33 -> 64", 6, double=False, steps=3),
    *selective_scan("a", "selective scan 32 x 96 x 256 x 16"),
    *selective_scan("b", "selective scan 8 x 720 x 512 x 16"),
    Row("W4", "M2-MOEP step, 4 Mamba experts, top 2", "w4_m2moep", [], ["w4_m2moep_step.py", "--variant", "sparse_grouped+custom"],
        [Contest("best", torch("w4_m2moep_step.py", ["sparse_grouped+custom", "sparse_loop+custom"]), {1: 3, 2: 4}),
         Contest("all experts on all samples", torch("w4_m2moep_step.py", ["dense_bmm+custom", "dense_loop+custom"]), {})]),
    Row("W5", "Real NVP, 8 couplings, batch 4096", "w5_realnvp", [], ["w5_realnvp.py"],
        [Contest("best", torch("w5_realnvp.py", ["eager", "custom", "script"]), both(1.3))]),
    Row("W7a", "W4 forecast, batch 1", "w7_forecast", [], ["w7_infer_latency.py", "--size", "w4", "--variant", "eager"],
        [Contest("best", torch("w7_infer_latency.py", ["trace_rows", "script_rows", "eager_rows", "eager"], "--size", "w4"), both(4))]),
    Row("W7b", "W1 roll-out, batch 1", "w7_rollout", [], ["w7_infer_latency.py", "--size", "w1", "--variant", "eager"],
        [Contest("TorchScript", torch("w7_infer_latency.py", ["script"], "--size", "w1"), both(15)),
         Contest("best of PyTorch", torch("w7_infer_latency.py", ["trace", "eager"], "--size", "w1"), {}),
         Contest("dlib", [("dlib_mlp", ["--variant", "rollout"])], both(3))]),
    Row("W8", "MLP 784-512-512-10, batch 128, step", "w8_mlp", [], ["w8_mlp.py", "--variant", "eager"],
        [Contest("best", torch("w8_mlp.py", ["manual", "eager", "fx"]) + [("dlib_mlp", ["--variant", "train"])], both(1.0))]),
    Row("W8g", "one product 1024 x 1024 x 1024", "w8_mlp", ["--size", "gemm"], None,
        [Contest("best", torch("w8_mlp.py", ["gemm"], isas=("avx2",)), {})], double=False),
    Row("W9", "DLinear, 96 -> 96, an epoch", "w9_dlinear", [], ["w9_dlinear.py"],
        [Contest("best", torch("w9_dlinear.py", ["fx", "index_mat", "index"]), both(2)),
         Contest("DataLoader", torch("w9_dlinear.py", ["dataloader"]), both(5))]),
]


def cpu_seconds():
    """Busy seconds of the whole machine, or None."""
    try:
        with open("/proc/stat") as f:
            v = [int(x) for x in f.readline().split()[1:]]
        return (v[0] + v[1] + v[2] + v[5] + v[6] + v[7]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        return None


class Failure(Exception):
    pass


def execute(command, threads=1, timeout=900):
    """Runs a program that prints a JSON line last; returns it with the outside load in cores."""
    env = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"):
        env[name] = str(threads)
    busy, own, begin = cpu_seconds(), os.times(), time.time()
    try:
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        raise Failure(f"no answer in {timeout} s")
    except OSError as e:
        raise Failure(str(e))
    lines = [l for l in done.stdout.splitlines() if l.startswith("{")]
    if not lines:
        raise Failure((done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1])
    result = json.loads(lines[-1])
    result["exit_status"] = done.returncode
    after, now = cpu_seconds(), os.times()
    if busy is not None and after is not None:
        children = now.children_user + now.children_system - own.children_user - own.children_system
        result["outside_load"] = round(max(0.0, after - busy - children) / max(time.time() - begin, 1e-3), 2)
    return result


class Bench:
    def __init__(self, options):
        self.o = options
        self.peers = os.path.isdir(PEERS) and not options.no_peers
        self.folder = options.dumps or tempfile.mkdtemp(prefix="moesaic-bench-")
        self.cpp_peers = self.build_peers() if self.peers else None
        self.load, self.versions, self.failed_variants, self.failed_rows = 0.0, {}, {}, {}

    def say(self, text):
        print(text, file=sys.stderr, flush=True)

    def build_peers(self):
        build = os.environ.get("MOESAIC_PEER_BUILD")
        if build:
            return build
        build = os.path.join(os.path.dirname(PROGRAMS.rstrip("/")), "peers")
        if self.o.quick and not os.path.isdir(build):
            return None
        if not os.path.isdir(build):
            self.say("building the C++ peers (once)")
        quiet = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            subprocess.run(["cmake", "-S", os.path.join(PEERS, "cpp"), "-B", build, "-DCMAKE_BUILD_TYPE=Release"], check=True, **quiet)
            subprocess.run(["cmake", "--build", build], check=True, **quiet)
        except (OSError, subprocess.CalledProcessError):
            self.say(f"the C++ peers of {PEERS}/cpp could not all be built: those that are missing are left out")
        return build

    def dump(self, row, double=False):
        """The folder with the row's problem, written by its peer; None where there is none."""
        if not self.peers or row.dump is None:
            return None
        folder = os.path.join(self.folder, row.key + (".double" if double else ""))
        if not os.path.exists(os.path.join(folder, "manifest.json")):
            script, *options = row.dump
            execute([PYTHON, os.path.join(PEERS, script), *options, *(["--double"] if double else []), "--dump", folder])
        return folder

    def ours(self, row, threads, *more, double=False):
        command = [os.path.join(PROGRAMS, row.program), *row.options, "--threads", str(threads), *more]
        folder = self.dump(row, double)
        if folder:
            command += ["--dir", folder]
        if double:
            command += ["--double"]
        return execute(command, threads)

    def theirs(self, row, variant, threads, repeat):
        program, options = variant
        more = ["--threads", str(threads), "--repeat", str(repeat), "--min-time", str(self.o.min_time)]
        if program.endswith(".py"):
            command = [PYTHON, os.path.join(PEERS, program), *options, *more]
        else:
            path = os.path.join(self.cpp_peers or "", program)
            if not self.cpp_peers or not os.path.exists(path):
                raise Failure("not built")
            command = [path, *options, *more, "--dir", self.dump(row)]
        result = execute(command, threads)
        self.versions.update(result.get("versions", {}))
        return result

    def note_load(self, result, threads):
        if "outside_load" in result:
            self.load = max(self.load, result["outside_load"])

    def check(self, row):
        """Largest relative differences to the peer's numbers: {float32: ..., float64: ...}."""
        out = {}
        for double in (False, True) if row.double else (False,):
            for threads in self.o.threads:
                r = self.ours(row, threads, "--check", double=double)
                c = r["check"]
                if "passed" in c:
                    out[r["dtype"]] = max(out.get(r["dtype"], 0.0), c["largest_error"])
                    if not c["passed"]:
                        raise Failure(f"{row.key} {r['dtype']}: {c['in']} differs by {c['largest_error']}, above {c['tolerance']}")
        return out

    def contest(self, row, contest, threads):
        """Ours and the fastest variant in turns."""
        repeat = 1 if self.o.quick else 3
        best = None
        for variant in contest.variants:
            try:
                r = self.theirs(row, variant, threads, 1)
            except Failure as e:
                self.failed_variants[" ".join([variant[0], *variant[1]])] = str(e)
                continue
            if best is None or r["median_s"] < best[1]:
                best = (variant, r["median_s"])
        if best is None:
            return None
        pairs, name = [], None
        for _ in range(min(self.o.pairs, row.steps)):
            a = self.ours(row, threads, "--repeat", str(repeat), "--min-time", str(self.o.min_time))
            b = self.theirs(row, best[0], threads, repeat)
            self.note_load(a, threads), self.note_load(b, threads)
            pairs.append((a, b))
            name = b["variant"] + (" avx512" if b.get("isa") == "avx512" else "")
        ratios = [b["median_s"] / a["median_s"] for a, b in pairs]
        target = contest.targets.get(threads)
        ratio = statistics.median(ratios)
        return dict(against=contest.name, variant=name, ours_s=statistics.median(a["median_s"] for a, _ in pairs),
                    peer_s=statistics.median(b["median_s"] for _, b in pairs), ratio=ratio, ratios=ratios, target=target,
                    met=None if target is None else ratio >= target, allocations_per_step=pairs[0][0]["allocations_per_step"],
                    workspace_bytes=pairs[0][0]["workspace_bytes"])

    def alone(self, row, threads):
        a = self.ours(row, threads, "--repeat", "3", "--min-time", str(self.o.min_time))
        self.note_load(a, threads)
        return dict(against=None, ours_s=a["median_s"], allocations_per_step=a["allocations_per_step"],
                    workspace_bytes=a["workspace_bytes"])

    def run(self):
        results = []
        print(HEADER, flush=True)
        for row in ROWS:
            wanted = row.key in self.o.rows if self.o.rows else not row.on_demand
            if not wanted:
                continue
            try:
                self.run_row(row, results)
            except Failure as e:
                self.failed_rows[row.key] = str(e)
                print(f"{row.key:<5}  failed: {e}", flush=True)
        return results

    def run_row(self, row, results):
        errors = self.check(row)
        for threads in self.o.threads:
            found = [self.contest(row, c, threads) for c in row.contests] if self.peers else []
            found = [f for f in found if f] or [self.alone(row, threads)]
            for f in found:
                f.update(row=row.key, problem=row.problem, threads=threads, largest_relative_errors=errors)
                results.append(f)
                print(line(f), flush=True)

    def close(self):
        if not self.o.dumps:
            shutil.rmtree(self.folder, ignore_errors=True)


COLUMNS = [("row", 5), ("thr", 3), ("problem", 42), ("ours ms", 9), ("peer", 36), ("peer ms", 9), ("ratio", 7), ("target", 6),
           ("met", 3), ("alloc", 5), ("MB", 6)]
HEADER = "  ".join(f"{n:<{w}}" for n, w in COLUMNS)


def line(f):
    peer = f"{f['against']}: {f['variant']}" if f.get("against") else "-"
    number = lambda x: f"{x:.3g}" if x < 100 else f"{x:.0f}"
    cells = [f["row"], f["threads"], f["problem"], number(f["ours_s"] * 1e3), peer, number(f["peer_s"] * 1e3) if f.get("peer_s") else "-",
             f"{f['ratio']:.2f}" if f.get("ratio") else "-", f.get("target") or "-",
             {True: "yes", False: "no", None: "-"}[f.get("met")], f"{f['allocations_per_step']:g}", f"{f['workspace_bytes'] / 1e6:.1f}"]
    return "  ".join(f"{str(c):<{w}}" for c, (_, w) in zip(cells, COLUMNS))


def processor():
    try:
        with open("/proc/cpuinfo") as f:
            return next(l.split(":", 1)[1].strip() for l in f if l.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--rows", type=lambda s: s.split(","), help="only these, e.g. W1,W7b; W2c, which takes long, runs only where it is named")
    p.add_argument("--threads", type=lambda s: [int(t) for t in s.split(",")], default=[1, 2], help="default: 1,2")
    p.add_argument("--pairs", type=int, default=5, help="turns of ours and peer (default 5; fewer for problems of seconds)")
    p.add_argument("--min-time", type=float, default=0.2, help="seconds that a timed repeat lasts, about")
    p.add_argument("--quick", action="store_true", help="two short turns of each: to see that all works, not to be quoted")
    p.add_argument("--no-peers", action="store_true", help="ours only")
    p.add_argument("--dumps", metavar="DIR", help="keep the problems there, and use those that are there already")
    p.add_argument("--json", metavar="FILE", help="write everything there, too")
    o = p.parse_args()
    if o.quick:
        o.pairs, o.min_time = min(o.pairs, 2), min(o.min_time, 0.05)
    for key in o.rows or []:
        if key not in [r.key for r in ROWS]:
            p.error(f"no row {key}; there are {', '.join(r.key for r in ROWS)}")
    bench = Bench(o)
    if not bench.peers:
        bench.say(f"no peers in {PEERS}: only Moesaic is timed" if not o.no_peers else "only Moesaic is timed")
    try:
        results = bench.run()
    finally:
        bench.close()
    for variant, why in bench.failed_variants.items():
        bench.say(f"left out: {variant}: {why}")
    if bench.peers:
        worst = {}
        for r in results:
            for dtype, e in r["largest_relative_errors"].items():
                worst[dtype] = max(worst.get(dtype, 0.0), e)
        print("loss and gradients differ from the peers' by at most " + ", ".join(f"{e:.1e} ({d})" for d, e in worst.items()))
    print(f"{processor()}, {os.cpu_count()} processors; outside load up to {bench.load:.2f} cores"
          + (": not a quiet machine, do not quote these figures" if bench.load > 0.15 else ""))
    if bench.versions:
        print("peers: " + ", ".join(f"{k} {v}" for k, v in bench.versions.items()))
    if o.json:
        with open(o.json, "w") as f:
            json.dump(dict(processor=processor(), processors=os.cpu_count(), outside_load=bench.load, versions=bench.versions,
                           left_out=bench.failed_variants, failed=bench.failed_rows, rows=results), f, indent=1)
    return 1 if bench.failed_rows else 0


if __name__ == "__main__":
    sys.exit(main())
