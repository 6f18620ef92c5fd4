import ast
import sys
from pathlib import Path

import pytest
import torch
import yaml
from published_weights import published, save_published
from safetensors import safe_open
from small_shop import ITEMS, SIZES, system_on, write_shop

from trainer import convert as command
from trainer.checkpoint import RECORD, build_system, read_checkpoint, system_weights
from trainer.convert import convert
from trainer.ranker import load_ranker
from trainer.transfer import transfer

GOLDEN = Path(__file__).parents[2].parent / "shared/golden"
CONFIG = {"n_groups": 1, "max_len": 4, "temperature": 0.5, "norm_eps": "1e-12", "data": "Scientific"}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return write_shop(tmp_path / "Shop")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "published.yaml"
    path.write_text(yaml.safe_dump(CONFIG))
    return path


@pytest.fixture
def file(shop: Path, tmp_path: Path) -> Path:
    torch.manual_seed(1)
    return save_published(tmp_path / "published.ckpt", system_on(shop).state_dict())


def test_a_converted_backbone_transfers_without_naming_new_tensors(
    shop: Path, tmp_path: Path, file: Path, config: Path
) -> None:
    convert(file, tmp_path / "out/x.ckpt", config)
    checkpoint = read_checkpoint(tmp_path / "out/x.ckpt")
    assert checkpoint[RECORD]["system"] == "WindowMMM4Rec"
    assert (checkpoint[RECORD]["domain"], checkpoint[RECORD]["items"], checkpoint[RECORD]["features"]) == ("", [], {})
    system = system_on(write_shop(tmp_path / "Other", ITEMS[:5]))  # another catalogue
    rows = transfer(system_weights(checkpoint), system)
    new = {row.name for row in rows if row.fate != "transferred"}
    assert new == {"items.tables.text.id_bias", "items.tables.image.id_bias"}
    original = torch.load(file, weights_only=True)["model"]
    assert torch.equal(system.items.tables["text"].adapter.weight, original["text_adapter.0.weight"])
    # what the published model makes of features of zeros
    assert torch.equal(system.items.tables["image"].missing, original["vision_adapter.0.bias"])


def test_with_its_domain_it_recommends_as_the_original(shop: Path, tmp_path: Path, file: Path, config: Path) -> None:
    torch.manual_seed(1)
    original = system_on(shop)
    convert(file, tmp_path / "x.ckpt", config, shop)
    assert read_checkpoint(tmp_path / "x.ckpt")[RECORD]["items"] == ITEMS
    ranker, _ = load_ranker(tmp_path / "x.ckpt")
    history = (torch.tensor([[3, 1]]), torch.tensor([2]), torch.tensor([[5, 9]]))
    with torch.no_grad():
        assert torch.equal(ranker.system.score(*history), original.score(*history))


def test_without_its_domain_every_item_is_ranked_by_content(
    shop: Path, tmp_path: Path, file: Path, config: Path, caplog: pytest.LogCaptureFixture
) -> None:
    convert(file, tmp_path / "x.ckpt", config)
    ranker, _ = load_ranker(tmp_path / "x.ckpt", shop)
    assert "does not say what made its features" in caplog.text
    assert not ranker.system.state_dict()["items.tables.text.id_bias"][1:].any()  # row 0 is padding
    with pytest.raises(ValueError, match=r"names no domain.*--domain"):
        load_ranker(tmp_path / "x.ckpt")


def test_one_input_gives_one_file(tmp_path: Path, file: Path, config: Path) -> None:
    for out in ("a.ckpt", "b.ckpt"):
        convert(file, tmp_path / out, config)
    assert (tmp_path / "a.ckpt").read_bytes() == (tmp_path / "b.ckpt").read_bytes()


def test_without_a_config_the_published_defaults_hold(shop: Path, tmp_path: Path) -> None:
    system = system_on(shop, window=20, groups=4, temperature=0.8)
    convert(save_published(tmp_path / "p.ckpt", system.state_dict()), tmp_path / "x.ckpt")
    arguments = read_checkpoint(tmp_path / "x.ckpt")[RECORD]["arguments"]
    assert (arguments["groups"], arguments["window"], arguments["temperature"]) == (4, 20, 0.8)
    assert arguments["fusion"] == "static"


@pytest.mark.parametrize("fusion", ["dynamic_shared", "dynamic_instance"])
def test_the_fusion_shows_in_its_factor(shop: Path, tmp_path: Path, config: Path, fusion: str) -> None:
    state = system_on(shop, fusion=fusion).state_dict()
    path = tmp_path / "p.ckpt"
    torch.save({"model": published(state)}, path)
    convert(path, tmp_path / "x.ckpt", config)
    assert build_system(read_checkpoint(tmp_path / "x.ckpt")).fusion == fusion
    other = {"dynamic_shared": "dynamic_instance", "dynamic_instance": "dynamic_shared"}[fusion]
    config.write_text(yaml.safe_dump(CONFIG | {"item_mm_fusion": other}))
    with pytest.raises(ValueError, match=f"yaml: item_mm_fusion is '{other}'"):
        convert(path, tmp_path / "y.ckpt", config)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([torch.zeros(1)], "holds a list, not a dict"),
        ({"state_dict": {}}, "has no entry 'model', but state_dict"),
        ({"model": torch.zeros(1)}, "not a dict of tensors"),
        ({"model": {"text_adapter.0.weight": "x"}}, "not a dict of tensors"),
        ({"model": {"fc.weight": torch.zeros(1)}}, "another system's checkpoint"),
    ],
)
def test_what_is_no_published_checkpoint_is_refused(tmp_path: Path, content: object, message: str) -> None:
    torch.save(content, tmp_path / "p.ckpt")
    with pytest.raises(ValueError, match=rf"p\.ckpt: .*{message}"):
        convert(tmp_path / "p.ckpt", tmp_path / "x.ckpt")
    assert not (tmp_path / "x.ckpt").exists()


@pytest.mark.parametrize("change", ["unknown", "missing", "sizes", "shape"])
def test_wrong_tensors_are_refused_by_name(tmp_path: Path, file: Path, config: Path, change: str) -> None:
    weights = torch.load(file, weights_only=True)["model"]
    name = "encoder_ssd_layers.0.ssd.A_log" if change == "sizes" else "text_in_layer_norm.weight"
    if change == "unknown":
        weights["gru.weight"] = torch.zeros(2)
    elif change == "shape":
        weights[name] = torch.zeros(3)
    else:
        del weights[name]
    torch.save({"model": weights}, tmp_path / "p.ckpt")
    wanted = {"unknown": "gru.weight", "missing": "text_norm.weight.* absent", "shape": r"text_norm.weight: \(3,\)"}
    with pytest.raises(ValueError, match=rf"(?s)p\.ckpt: .*{wanted.get(change, 'A_log')}"):
        convert(tmp_path / "p.ckpt", tmp_path / "x.ckpt", config)
    assert not (tmp_path / "x.ckpt").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "neither yaml nor json"),
        ("hidden_size: 4", "has none of the keys n_groups"),
        ("n_groups: many", "n_groups is 'many', not int"),
        ("is_time: 1\n", "is_time is 1, not bool"),
    ],
)
def test_a_wrong_config_is_refused(tmp_path: Path, file: Path, config: Path, text: str, message: str) -> None:
    config.write_text(text)
    with pytest.raises(ValueError, match=rf"published\.yaml.*: .*{message}"):
        convert(file, tmp_path / "x.ckpt", config)


def test_a_window_or_domain_that_does_not_fit_is_refused(tmp_path: Path, file: Path, config: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("max_len: 20")
    with pytest.raises(ValueError, match=r"(?s)published\.ckpt: the weights do not fit.*gaps.*--config"):
        convert(file, tmp_path / "x.ckpt", wrong)
    with pytest.raises(ValueError, match=r"(?s)id_bias: \(10, 8\) in the checkpoint, \(6, 8\) in the model"):
        convert(file, tmp_path / "x.ckpt", config, write_shop(tmp_path / "Other", ITEMS[:5]))


def test_the_command_line(tmp_path: Path, file: Path, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["--ckpt", file, "--out", tmp_path / "x.ckpt", "--config", config]
    monkeypatch.setattr(sys, "argv", ["convert", *map(str, arguments)])
    command.main()
    assert read_checkpoint(tmp_path / "x.ckpt")[RECORD]["window"] == SIZES["window"]
    monkeypatch.setattr(sys, "argv", ["convert", "--ckpt", str(file)])
    with pytest.raises(ValueError, match="out"):
        command.main()


@pytest.mark.parametrize("name", ["mmm4rec_layers1_static", "mmm4rec_layers2_dynamic_shared"])
def test_golden_weights_convert_and_score_as_published(tmp_path: Path, name: str) -> None:
    path = GOLDEN / f"{name}.safetensors"
    if not path.is_file():
        pytest.skip(f"no {path}")
    with safe_open(path, "pt") as file:
        golden = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        config = ast.literal_eval(file.metadata()["config"])
    weights = {key.removeprefix("weights."): value for key, value in golden.items() if key.startswith("weights.")}
    tables = {"text": weights.pop("text_embedding"), "image": weights.pop("vision_embedding")}
    torch.save({"model": weights}, tmp_path / "p.ckpt")
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(config))
    convert(tmp_path / "p.ckpt", tmp_path / "x.ckpt", tmp_path / "c.yaml")
    checkpoint = read_checkpoint(tmp_path / "x.ckpt")
    system = build_system(checkpoint).eval()
    rows = {modality: table[1:] for modality, table in tables.items()}
    system.bind(50, rows, {modality: torch.ones(50, dtype=torch.bool) for modality in rows})
    system.load_state_dict(system_weights(checkpoint))
    with torch.no_grad():
        scores = system.score(golden["input.items"], golden["input.lengths"], golden["input.timestamps"])
    assert torch.allclose(scores[:, 1:], golden["output.scores"][:, 1:], rtol=1e-4, atol=1e-4)
