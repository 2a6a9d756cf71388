"""What a model is trained on, for manifests."""

from __future__ import annotations

import os
import platform


def hardware() -> dict[str, str]:
    """Return the machine in words: processor, cores, and the accelerator where there is one."""
    import torch

    facts = {"processor": platform.processor() or platform.machine(), "cores": str(os.cpu_count())}
    if torch.cuda.is_available():
        facts["accelerator"] = torch.cuda.get_device_name()
    return facts
