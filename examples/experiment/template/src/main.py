"""Reads a sensor a number of times; leaves samples.csv and plot.svg among the results."""
import csv
import math
import os
import signal
import sys
import time
from pathlib import Path

WIDTH, HEIGHT, MARGIN = 640, 240, 32


def number(name, usual, least):
    """A number that the environment gives, or the usual one."""
    given = os.environ.get(name, usual)
    try:
        value = float(given)
    except ValueError:
        value = math.nan
    if not (least <= value < math.inf):
        sys.exit(f"{name} is '{given}'; expected a number, {least} or more")
    return value


def read(sensor):
    """What the sensor says now."""
    try:
        return float(sensor.read_text().split()[0])
    except (OSError, ValueError, IndexError) as error:
        sys.exit(f"{sensor} gives no number: {error}. Name the sensor's file in SENSOR")


def plot(samples):
    """A line through the samples, as an SVG."""
    times, values = zip(*samples)
    low, high = min(values), max(values)

    def place(value, least, most, length):
        return MARGIN + (length - 2 * MARGIN) * ((value - least) / (most - least) if most > least else 0.5)

    points = " ".join(
        f"{place(at, times[0], times[-1], WIDTH):.1f},{HEIGHT - place(value, low, high, HEIGHT):.1f}" for at, value in samples
    )
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">
  <rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>
  <polyline points="{points}" fill="none" stroke="#0a6cbd" stroke-width="2" stroke-linejoin="round"/>
  <text x="{MARGIN}" y="18">{low:g} to {high:g}, {len(samples)} samples in {times[-1]:.1f} s</text>
</svg>
"""


def main():
    sensor = Path(os.environ.get("SENSOR", "/sensor"))
    results = Path(os.environ.get("RESULTS", "/results"))
    count, interval = int(number("SAMPLES", "20", 1)), number("INTERVAL", "0.5", 0)
    results.mkdir(parents=True, exist_ok=True)
    # Who is told to stop leaves what there is.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    samples = []
    begun = time.monotonic()
    try:
        with open(results / "samples.csv", "w", newline="") as file:
            table = csv.writer(file)
            table.writerow(["seconds", "value"])
            for at in range(count):
                time.sleep(max(0.0, begun + at * interval - time.monotonic()))
                value, seconds = read(sensor), round(time.monotonic() - begun, 3)
                samples.append((seconds, value))
                table.writerow([seconds, value])
                file.flush()  # A sample that was taken is kept, whatever comes.
                print(f"sample {at + 1} of {count}: {value:g}", flush=True)
    finally:
        if samples:
            (results / "plot.svg").write_text(plot(samples))


if __name__ == "__main__":
    main()
