#!/usr/bin/env bash
# timecode 1.5.1: at the rates of NTSC (29.97, 59.94, 23.976) a count of seconds becomes a count of frames by the whole
# number next to the rate, and `float`, which gives seconds back, divides by it. Both agree with each other and with no
# clock: captions that are placed by them in a broadcast drift by 3.6 s an hour. Multiply by the rate (30000/1001)
# yourself and give `frames`; read with to_realtime().
# Seen: start_seconds=3600 at 29.97 is 01:00:03;17, which plays at 3603.6 s; the frames of 3600 s (01:00:00;00 less one,
# for it counts from one) have the float 3596.4. At 25 both are 3600 s.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'timecode==1.5.1'
"$folder/venv/bin/python" - <<'PYTHON'
from fractions import Fraction
from importlib.metadata import version

from timecode import Timecode

HOUR_S = 3600
RATES = {"25": Fraction(25)}
RATES |= {"23.976": Fraction(24000, 1001), "29.97": Fraction(30000, 1001), "59.94": Fraction(60000, 1001)}
print("timecode", version("timecode"))
for name, rate in RATES.items():
    made = Timecode(name, start_seconds=HOUR_S)
    plays_s = float(made.frames / rate)
    counted = Timecode(name, frames=round(HOUR_S * rate))
    counted_s = float(counted.frames / rate)
    print(name, "start_seconds", HOUR_S, "is", made, "which plays at", plays_s, "and has the float", made.float)
    print(name, "frames", counted.frames, "is", counted, "plays at", counted_s, "float", counted.float)
    drift_s = 0 if name == "25" else 3.6
    assert abs(plays_s - HOUR_S - drift_s) < 0.05 and abs(made.float - HOUR_S) < 0.05, (plays_s, made.float)
    assert abs(counted_s - HOUR_S) < 0.05 and abs(counted.float - HOUR_S + drift_s) < 0.05, (counted_s, counted.float)
    assert abs(counted.to_realtime(True) - HOUR_S) < 0.05, counted.to_realtime(True)
PYTHON
