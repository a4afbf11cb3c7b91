"""Asks the model about rows that it has never seen, and says no where it knows too little of them."""
import json
import os

from network import accuracy, given, report, rows_of

least = 0.8

told = given()
# Where this run repeats another from here on, the model is that of the run which trained it.
trained_in = told["run"].get("reused", {}).get("python_action/train", told["run"]["number"])
path = f"model{trained_in}.json"
with open(os.path.join(told["stores"]["models"]["folder"], path)) as file:
    model = json.load(file)
rows = rows_of(told["inputs"]["data"], held_out=True)
reached = accuracy(model, rows)
said = f"accuracy {reached:.3f} on {len(rows)} held-out rows"

report("metric", key="held_out_accuracy", value=reached)
report("artifact-tag", store="models", path=path, tags={"held_out_accuracy": f"{reached:.3f}"})
if reached < least:
    report("failed", reason=f"{said} is worse than {least}")
else:
    report("message", text=said)
