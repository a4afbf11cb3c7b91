"""Drops a file of points into the watched folder: an inner ring, and an outer one. With --nonsense, labels mean nothing."""
import csv
import math
import os
import random
import sys

folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "python-artifacts", "data")
os.makedirs(folder, exist_ok=True)
number = sum(name.endswith(".csv") for name in os.listdir(folder))
chance = random.Random(number)

path = os.path.join(folder, f"rings{number}.csv")
with open(path, "x", newline="") as file:
    rows = csv.writer(file)
    rows.writerow(["x", "y", "label"])
    for _ in range(400):
        label = chance.randrange(2)
        angle, radius = chance.uniform(0, 2 * math.pi), chance.gauss(1 + label, 0.3)
        said = chance.randrange(2) if "--nonsense" in sys.argv else label
        rows.writerow([f"{radius * math.cos(angle):.4f}", f"{radius * math.sin(angle):.4f}", said])
print(path)
