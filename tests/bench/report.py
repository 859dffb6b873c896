"""The results of tests/bench/run as text: a heading and three tables, for the terminal or in Markdown."""
from statistics import median

PRODUCTS = {"forward": "forward", "input gradient": "d input", "weight gradient": "d weights"}


def layout(rows, markdown):
    """Rows of cells, the first one the heading, as lines."""
    width = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    if markdown:
        rows = [rows[0], ["---"] * len(width), *rows[1:]]
        return ["| " + " | ".join(row) + " |" for row in rows]
    return ["  ".join(cell.rjust(w) for cell, w in zip(row, width)) for row in rows]


def number(value):
    """Three digits that count."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.3g}"


def spread(values):
    return f"{number(median(values))} ({number(min(values))}..{number(max(values))})"


def heading(results):
    machine, precisions = results["machine"], results["kernels"]
    kernels = next(iter(precisions.values()))
    sets = ", ".join(f"{name} by {each['isa']}" for name, each in precisions.items())
    lines = [
        f"machine     {machine['processor']}, {machine['processors']} processors",
        f"dltrain     {results['dltrain']}, {kernels['compiler']}; {sets}",
    ]
    for peer in results["peers"]:
        if peer["precision"] == "f32":
            about = f"{peer['library']} {peer['version']}, Python {peer['python']}{environment(peer)}"
            lines.append(f"peer        {peer['label']}: {about}")
    peaks = {}
    for each in precisions.values():
        peaks.update({(peak["isa"], peak["threads"]): peak["gflops"] for peak in each["peak"]})
    for (isa, n), gflops in peaks.items():
        lines.append(f"peak        {isa}, {threads(n)}: {gflops:.0f} GFLOP/s")
    trip = kernels["round_trip_ns"]
    if trip is not None:
        lines.append(f"cache line  {trip:.0f} ns to another thread and back")
    return lines


def threads(n):
    return f"{n} thread{'s' if n > 1 else ''}"


def environment(peer):
    words = [f"{name}={value}" if value is not None else f"no {name}" for name, value in peer["environment"].items()]
    return f" ({', '.join(words)})" if words else ""


def products(kernels, markdown):
    """A line for each layer and batch, GFLOP/s and share of the peak for each product and number of threads."""
    counts = sorted({row["threads"] for row in kernels["products"]})
    cell = {}
    for row in kernels["products"]:
        place = row["in"], row["out"], row["batch"], row["threads"], row["product"]
        cell[place] = f"{row['gflops']:.0f} ({row['share_of_peak']:.0%})"
    layers = list(dict.fromkeys(place[:3] for place in cell))
    rows = [["layer", "batch", *(f"{head}, {threads(n)}" for n in counts for head in PRODUCTS.values())]]
    for wide_in, wide_out, batch in layers:
        cells = [cell[wide_in, wide_out, batch, n, product] for n in counts for product in PRODUCTS]
        rows.append([f"{wide_in}x{wide_out}", str(batch), *cells])
    return layout(rows, markdown)


def profile(kernels, markdown):
    of = kernels["profile"]
    rows = [["part of a step", "share"], *([phase["phase"], f"{phase['share']:.1%}"] for phase in of["phases"])]
    clock = of["seconds"] / of["seconds_without_clock"] - 1
    return [f"{of['model']}; reading the clock took {clock:.1%}", "", *layout(rows, markdown)]


def epochs(results, markdown):
    labels = [peer["label"] for peer in results["peers"]]
    rows = [["model", "batch", "data", "threads", "products", "dltrain s/epoch", "of peak", "process s", "RSS MB"]]
    for label in labels:
        rows[0] += [f"{label} s/epoch", "to dltrain's"]
    for case in results["cases"]:
        ours = case["dltrain"]
        share = case["share_of_peak"]
        row = [case["model"], str(case["batch"]), case["data"], str(case["threads"]), case["precision"]]
        row += [spread(ours["epoch_seconds"]), "-" if share is None else f"{share:.0%}"]
        row += [number(median(ours["process_seconds"])), f"{median(ours['rss_mb']):.0f}"]
        for label in labels:
            peer = case["peers"][label]
            mark = "*" if peer["samples"] < case["samples"] else ""
            row += [number(median(peer["epoch_seconds"])) + mark, spread(peer["ratio"])]
        rows.append(row)
    return layout(rows, markdown)


def notes(results):
    lengths = ", ".join(f"{label} {n} epoch{'s' if n > 1 else ''}" for label, n in results["epochs"].items())
    partly = any(peer["samples"] < case["samples"] for case in results["cases"] for peer in case["peers"].values())
    return [
        f"Medians (smallest..largest) of {results['repeat']} runs of each program, taken in turns; ratios run by run.",
        "s/epoch: the fastest epoch of a run.",
        "of peak: nominal operations, 2 N (3 P - P of the first layer), in that time, by the peak of the instructions that",
        "the products are made of. Products in f32 leave out terms whose input is 0, so the share can pass 100 %.",
        f"process: the whole program with reading the data, the epochs ({lengths}) and a test.",
        *(["*: timed on the first samples of an epoch only, and scaled to all."] if partly else []),
    ]


def text(results, markdown):
    """The whole page."""
    head = heading(results)
    parts = [["```text", *head, "```"] if markdown else head]
    for name, kernels in results["kernels"].items():
        parts.append([f"Products in {name}, GFLOP/s (share of the peak):", "", *products(kernels, markdown)])
        parts.append(profile(kernels, markdown))
    parts += [epochs(results, markdown), notes(results)]
    return "\n\n".join("\n".join(part) for part in parts)
