"""The toy model with its weights in a file, which TOY_WEIGHTS names, so that they can become others.

PYTHONPATH=tests/support prep-corpus run ... --model stored_toy:acoustic_model
"""

from __future__ import annotations

import os

import numpy as np
import torch
from toy import ToneModel


def acoustic_model(device: str = "cpu") -> ToneModel:
    """The factory that `--model stored_toy:acoustic_model` names."""
    model = ToneModel()
    model.waves = torch.from_numpy(np.load(os.environ["TOY_WEIGHTS"]))
    return model.to(device)
