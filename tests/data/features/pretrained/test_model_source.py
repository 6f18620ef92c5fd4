"""Where a model comes from: a folder, the hub's cache, or a message that says what to do."""

import shutil
from pathlib import Path

import pytest
import tiny_models
import torch
from transformers import CLIPVisionConfig, T5Config

from data.features.pretrained.source import find_model
from data.features.pretrained.space import open_space

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return tiny_models.clip(tmp_path_factory.mktemp("models") / "clip")


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Path:
    """An empty cache, and no connection."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return tmp_path / "hub"


def test_a_folder_is_known_by_its_content_wherever_it_lies(model, tmp_path):
    found = find_model(str(model))
    assert (found.name, found.folder) == ("clip", model)
    copy = shutil.copytree(model, tmp_path / "elsewhere/clip")
    (copy / "notes.md").write_text("not read, so not counted")
    assert find_model(str(copy)).revision == found.revision
    (copy / "tokenizer_config.json").write_text("{}")
    assert find_model(str(copy)).revision != found.revision


def test_a_model_in_the_hubs_cache_needs_no_connection(model, hub):
    home = hub / "models--shop--clip"
    shutil.copytree(model, home / "snapshots" / COMMIT)
    (home / "refs").mkdir()
    (home / "refs/main").write_text(COMMIT)
    for revision in (None, "main", COMMIT):
        found = find_model("shop/clip", revision)
        assert (found.name, found.revision, found.folder.name) == ("shop/clip", COMMIT, COMMIT)


@pytest.mark.parametrize("encoder", ["siglip", "nobody/nothing", "./no/such/folder", "a b"])
def test_no_connection_is_told_with_a_remedy(hub, encoder):
    with pytest.raises(ValueError, match=r"not to be had from the Hugging Face Hub .*hf download .*--encoder FOLDER"):
        find_model(encoder)


def test_pickled_weights_are_not_read(model, tmp_path):
    copy = shutil.copytree(model, tmp_path / "clip")
    (copy / "model.safetensors").unlink()
    torch.save({}, copy / "pytorch_model.bin")
    with pytest.raises(ValueError, match=r"no model\*\.safetensors.*Only safetensors weights are read"):
        find_model(str(copy))


def test_folders_that_are_no_model_and_revisions_of_folders(model, tmp_path):
    with pytest.raises(ValueError, match=r"no config\.json"):
        find_model(str(tmp_path))
    with pytest.raises(ValueError, match="Leave --revision out"):
        find_model(str(model), "main")


@pytest.mark.parametrize("config", [T5Config(), CLIPVisionConfig()])
def test_models_of_other_kinds_are_refused(model, tmp_path, config):
    copy = shutil.copytree(model, tmp_path / "other")
    config.save_pretrained(copy)
    with pytest.raises(ValueError, match=f"of the kind '{config.model_type}' is not known here"):
        open_space(find_model(str(copy)))
