"""A network of two layers, by hand; and what both actions need of Millrace: their inputs, and a way to report."""
import csv
import json
import math
import os

held_out_every = 5


def report(kind, **said):
    print(json.dumps({"millrace": kind, **said}))


def given():
    with open(os.environ["MILLRACE_INPUT"]) as file:
        return json.load(file)


def rows_of(files, held_out):
    """Rows of the files that started the run: each fifth is held out, and never trained on."""
    rows = []
    for one in files:
        with open(one["file"], newline="") as file:
            for at, row in enumerate(csv.DictReader(file)):
                if (at % held_out_every == 0) == held_out:
                    rows.append(((float(row["x"]), float(row["y"])), int(row["label"])))
    return rows


def forward(model, point):
    """What the hidden layer makes of a point, and how probable its label is 1."""
    hidden = [math.tanh(sum(w * x for w, x in zip(ws, point)) + b) for ws, b in zip(model["in"], model["in_bias"])]
    total = sum(w * h for w, h in zip(model["out"], hidden)) + model["out_bias"]
    return hidden, 1 / (1 + math.exp(-max(-60.0, min(60.0, total))))


def accuracy(model, rows):
    return sum((forward(model, point)[1] > 0.5) == (label == 1) for point, label in rows) / len(rows)
