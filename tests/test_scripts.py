"""What the scripts run, reuse, forward and refuse."""

import os
import subprocess

import pytest

from tests.checkout import BASH, PROCESSED, ROOT, Checkout

PUBLISHED_FEATURES = ("text_feat.pth", "image_feat.pth")
SHOPS = ["scientific", "pantry", "instruments", "arts", "office"]


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


@pytest.mark.parametrize(
    "script", [*sorted((ROOT / "script").rglob("*.sh")), ROOT / ".ci/run"], ids=lambda path: path.name
)
def test_scripts_parse(script):
    if BASH is None:
        pytest.skip("no bash here")
    checked = subprocess.run([BASH, "-n", script], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


# Missing data: said at once, before any environment


@pytest.mark.parametrize("shop", SHOPS)
def test_finetune_without_data_says_what_goes_where(checkout, shop):
    code, output = checkout.run(f"script/finetune/{shop}.sh")
    assert code == 2
    name = shop.capitalize()
    fetch = f"python prepare.py fetch --domains '[{name}]' --out dataset/amazon_v2/raw"
    for said in ("item2id.jsonl", "train_seq.jsonl", "Amazon Review Data (2018)", f"dataset/amazon_v2/raw/{name}/"):
        assert said in output
    assert f"    {fetch}" in output.splitlines()
    assert not (checkout.root / ".venv").exists()


def test_finetune_says_what_an_overridden_domain_lacks(checkout):
    checkout.domain("dataset/amazon_v2/processed/Arts")
    checkout.domain("there", PROCESSED[:2])
    for arguments in (["--data.domain", "there"], ["--data.domain=there"]):
        code, output = checkout.ready("script/finetune/arts.sh", *arguments)
        assert code == 2
        assert "not in there" in output
        assert "histories.jsonl" in output
        assert "item2id.jsonl" not in output
    assert checkout.log() == []


def test_published_layout_needs_all_three_files(checkout):
    files = ("item2id.jsonl", "user2id.jsonl", "train_seq.jsonl", "test_seq.jsonl", *PUBLISHED_FEATURES)
    checkout.domain("dataset/amazon_v2/processed/Arts", files)
    code, output = checkout.ready("script/finetune/arts.sh")
    assert (code, "    eval_seq.jsonl" in output.splitlines()) == (2, True)
    checkout.domain("dataset/amazon_v2/processed/Arts", ("eval_seq.jsonl",))
    assert checkout.ready("script/finetune/arts.sh")[0] == 0


def test_raw_files_may_have_any_name_but_must_be_there(checkout):
    raw = checkout.root / "dataset/amazon_v2/raw/Arts"
    checkout.domain("dataset/amazon_v2/raw/Arts", ("images/B01.jpg",))  # pictures alone
    (raw / "Arts.inter").touch()  # and an empty file
    assert checkout.ready("script/finetune/arts.sh")[0] == 2
    checkout.domain("dataset/amazon_v2/raw/Arts", ("Arts.inter",))
    assert checkout.ready("script/finetune/arts.sh")[0] == 0


def test_histories_in_parquet_parts_are_histories(checkout):
    arts = "dataset/amazon_v2/processed/Arts"
    checkout.domain(arts, [name for name in PROCESSED if name != "histories.jsonl"])
    assert "histories.jsonl" in checkout.ready("script/finetune/arts.sh")[1]
    checkout.domain(arts, ("histories/part-00000.parquet",))
    assert checkout.ready("script/finetune/arts.sh")[0] == 0


def test_pretrain_without_data_names_only_the_missing_shops(checkout):
    checkout.domain("dataset/amazon_v2/raw/CDs", ("any.tsv",))
    checkout.domain("dataset/amazon_v2/processed/Kindle")
    code, output = checkout.run("script/pretrain.sh")
    assert code == 2
    lines = output.splitlines()
    assert "    python prepare.py fetch --domains '[Food,Home,Movies]' --out dataset/amazon_v2/raw" in lines
    folders = [line.split("/")[-2] for line in lines if line.startswith("    dataset/amazon_v2/raw/")]
    assert folders == ["Food", "Home", "Movies"]
    assert not (checkout.root / ".venv").exists()


# What runs when the data is there


def test_finetune_from_scratch_forwards_arguments(checkout):
    checkout.domain("dataset/amazon_v2/processed/Office")
    code, output = checkout.ready("script/finetune/office.sh", "--trainer.max_epochs", "1", "--name", "two words")
    assert code == 0, output
    assert "from scratch" in output
    assert checkout.log() == ["main.py --config configs/finetune/office.yaml --trainer.max_epochs 1 --name two words"]


def test_finetune_reads_the_domain_from_the_config(checkout):
    config = checkout.root / "configs/finetune/pantry.yaml"
    config.parent.mkdir(parents=True)
    config.write_text('model:\n  dim: 64\ndata:\n  # where\n  domain: "my/Pantry"  # here\n  batch: 2\n')
    assert "not in my/Pantry " in checkout.ready("script/finetune/pantry.sh")[1]
    checkout.domain("my/Pantry")
    assert checkout.ready("script/finetune/pantry.sh")[0] == 0


def test_finetune_prepares_raw_files_first(checkout):
    checkout.domain("dataset/amazon_v2/raw/Arts", ("any.csv", "meta_any.json.gz"))
    encoder = "dataset/amazon_v2/processed/Food/features/text_encoder.safetensors"
    checkout.domain(".", (encoder,))
    assert checkout.ready("script/finetune/arts.sh")[0] == 0
    arts = "dataset/amazon_v2/processed/Arts"
    assert checkout.log() == [
        f"prepare.py domain --raw dataset/amazon_v2/raw/Arts --out {arts}",
        f'prepare.py features --domains ["{arts}"] --text_encoder {encoder}',
        "main.py --config configs/finetune/arts.yaml",
    ]


@pytest.mark.parametrize(
    ("present", "chosen"),
    [
        (["pre_weights/a b.ckpt", "saved/MMM4Rec/FHCKM/1/best.ckpt"], "pre_weights/a b.ckpt"),
        (
            ["saved/MMM4Rec/FHCKM/1/best.ckpt", "saved/MMM4Rec/FHCKM/2/best.ckpt"],
            "saved/MMM4Rec/FHCKM/2/best.ckpt",
        ),
        (["saved/MMM4Rec/Arts/1/best.ckpt"], None),
    ],
)
def test_finetune_picks_a_backbone_and_says_which(checkout, present, chosen):
    config = checkout.root / "configs/pretrain/default.yaml"
    config.parent.mkdir(parents=True)
    config.write_text("data:\n  domain: dataset/amazon_v2/processed/FHCKM\n")
    checkout.domain("dataset/amazon_v2/processed/Arts")
    for second, name in enumerate(present):
        checkout.domain(".", (name,))
        os.utime(checkout.root / name, (second, second))
    output = checkout.ready("script/finetune/arts.sh")[1]
    assert (f"backbone {chosen}" if chosen else "from scratch") in output
    assert checkout.log()[-1].endswith(f"--backbone {chosen}" if chosen else "arts.yaml")
    checkout.ready("script/finetune/arts.sh", BACKBONE="none")
    assert "--backbone" not in checkout.log()[-1]


def test_finetune_takes_a_given_backbone_from_the_callers_folder(checkout):
    checkout.domain("dataset/amazon_v2/processed/Arts")
    mine = checkout.elsewhere / "mine.ckpt"
    code, output = checkout.ready("script/finetune/arts.sh", BACKBONE="mine.ckpt")
    assert code == 2
    assert "no such file" in output
    mine.touch()
    assert checkout.ready("script/finetune/arts.sh", BACKBONE="mine.ckpt")[0] == 0
    assert checkout.log() == [f"main.py --config configs/finetune/arts.yaml --backbone {mine}"]


@pytest.mark.parametrize("argument", ["--backbone=x.ckpt", "--ckpt_path=x.ckpt"])
def test_finetune_leaves_weights_in_the_arguments_alone(checkout, argument):
    checkout.domain("dataset/amazon_v2/processed/Arts")
    checkout.domain("pre_weights", ("a.ckpt",))
    assert checkout.ready("script/finetune/arts.sh", argument)[0] == 0
    assert checkout.log() == [f"main.py --config configs/finetune/arts.yaml {argument}"]


def test_pretrain_prepares_what_is_missing_and_merges(checkout):
    shops = ["Food", "Home", "CDs", "Kindle", "Movies"]
    for shop in shops[1:]:
        checkout.domain(f"dataset/amazon_v2/raw/{shop}", ("any_5.json.gz", "meta_any.json.gz"))
    checkout.domain("dataset/amazon_v2/processed/Food")
    code, output = checkout.ready("script/pretrain.sh", "--seed_everything", "1")
    assert code == 0, output
    log = checkout.log()
    assert [line.split()[1] for line in log[:-1]] == ["domain"] * 4 + ["features", "merge"]
    assert log[-1] == "pretrain.py --config configs/pretrain/default.yaml --seed_everything 1"


def test_pretrain_goes_straight_on_where_the_merged_domain_is(checkout):
    checkout.domain(
        "dataset/amazon_v2/processed/FHCKM", ("item2id.jsonl", "user2id.jsonl", "train_seq.jsonl", *PUBLISHED_FEATURES)
    )
    assert checkout.ready("script/pretrain.sh")[0] == 0
    assert checkout.log() == ["pretrain.py --config configs/pretrain/default.yaml"]


# The quickstart


def trained(lines: list[str]) -> list[str]:
    return [line.rsplit("quickstart/", 1)[1] for line in lines if line.startswith(("pretrain.py", "main.py"))]


def test_quickstart_runs_every_step_once_and_reuses_runs(checkout):
    code, output = checkout.ready("script/quickstart.sh")
    assert code == 0, output
    log = checkout.log()
    assert [line.split()[1] for line in log[:7]] == ["sample", *["domain"] * 4, "features", "merge"]
    assert trained(log) == ["pretrain", "scratch", "transfer"]
    assert "--backbone saved/quickstart/pretrain/best.ckpt" in log[9]
    assert log[-1] == "-m trainer.report saved/quickstart/scratch saved/quickstart/transfer"
    assert "tensorboard --logdir" in output
    checkout.log_file.unlink()
    checkout.ready("script/quickstart.sh")
    assert trained(checkout.log()) == []


def test_quickstart_trains_again_what_a_change_touches(checkout):
    config = checkout.root / "configs/finetune/sample.yaml"
    config.parent.mkdir(parents=True)
    config.write_text("a: 1\n")
    checkout.ready("script/quickstart.sh")
    checkout.log_file.unlink()
    config.write_text("a: 2\n")
    checkout.ready("script/quickstart.sh")
    assert trained(checkout.log()) == ["scratch", "transfer"]
    checkout.log_file.unlink()
    (checkout.root / "saved/quickstart/transfer/.finished").unlink()  # as after a kill
    checkout.ready("script/quickstart.sh")
    assert trained(checkout.log()) == ["transfer"]


def test_quickstart_keeps_everything_where_it_is_told(checkout):
    code, output = checkout.ready("script/quickstart.sh", "--smallest", "--out", "a b")
    assert code == 0, output
    assert (checkout.elsewhere / "a b/saved/quickstart-smallest/transfer/best.ckpt").exists()
    assert not (checkout.root / "saved").exists()
    assert not (checkout.root / "dataset").exists()
    assert all("--trainer.max_epochs 2" in line for line in checkout.log() if line.startswith("main.py"))


def test_quickstart_refuses_unknown_arguments(checkout):
    code, output = checkout.ready("script/quickstart.sh", "--smalest")
    assert code == 2
    assert "unknown argument --smalest" in output
