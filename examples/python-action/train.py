"""Trains on the files that started the run, and says how it goes as it goes."""
import json
import math
import os
import random

from network import accuracy, forward, given, report, rows_of

epochs = int(os.environ.get("EPOCHS", "60"))
neurons = 8
rate = 0.05

told = given()
number = told["run"]["number"]
files = told["inputs"]["data"]
rows = rows_of(files, held_out=False)
print(f"training on {len(rows)} rows of {len(files)} file(s)")
report("param", key="neurons", value=neurons)
report("param", key="learning_rate", value=rate)
report("param", key="epochs", value=epochs)

chance = random.Random(number)
model = {
    "in": [[chance.gauss(0, 1), chance.gauss(0, 1)] for _ in range(neurons)],
    "in_bias": [chance.gauss(0, 1) for _ in range(neurons)],
    "out": [chance.gauss(0, 1) for _ in range(neurons)],
    "out_bias": 0.0,
}

for epoch in range(1, epochs + 1):
    chance.shuffle(rows)
    loss = 0.0
    for point, label in rows:
        hidden, probable = forward(model, point)
        loss -= math.log(max(probable if label == 1 else 1 - probable, 1e-12))
        slope = probable - label
        for one, value in enumerate(hidden):
            back = slope * model["out"][one] * (1 - value * value)
            model["out"][one] -= rate * slope * value
            for axis, x in enumerate(point):
                model["in"][one][axis] -= rate * back * x
            model["in_bias"][one] -= rate * back
        model["out_bias"] -= rate * slope
    report("metric", key="loss", value=loss / len(rows), step=epoch)
    report("metric", key="accuracy", value=accuracy(model, rows), step=epoch)
    report("progress", done=epoch, of=epochs)

reached = accuracy(model, rows)
report(
    "artifact",
    store="models",
    path=f"model{number}.json",
    text=json.dumps(model),
    tags={"kind": "two-layer network"},
    card={
        "title": f"Rings, model {number}",
        "license": "cc0-1.0",
        "library_name": "none",
        "pipeline_tag": "tabular-classification",
        "tags": ["two-layer", "by-hand"],
        "datasets": [one["path"] for one in files],
        "metrics": ["accuracy"],
    },
)
report("message", text=f"accuracy {reached:.3f} on {len(rows)} rows after {epochs} epochs")
