#!/usr/bin/env bash
# The whole way on a made-up sample: raw shops → processed domains → features → pretraining on three shops →
# fine-tuning a fourth with and without the pretrained backbone → one table. What is done already is reused.
#
#   bash script/quickstart.sh [--smallest] [--out FOLDER]
#     --smallest     tiny shops and two epochs: seconds instead of minutes, to see that everything runs
#     --out FOLDER   keep dataset/ and saved/ under FOLDER instead of in the repository
set -euo pipefail
here="$(dirname "$(readlink -f "$0")")"

usage() { sed -n 's/^# \{0,1\}//p' "$here/quickstart.sh" | sed -n '2,7p'; }

smallest=""
home=""
while [ $# -gt 0 ]; do
    case "$1" in
        --smallest) smallest=1 ;;
        --out=*) home="${1#*=}" ;;
        --out)
            if [ $# -lt 2 ]; then echo "quickstart.sh: --out needs a folder" >&2; exit 2; fi
            home="$2"
            shift
            ;;
        -h | --help) usage; exit 0 ;;
        *) echo "quickstart.sh: unknown argument $1" >&2; usage >&2; exit 2 ;;
    esac
    shift
done
if [ -n "$home" ]; then home="$(mkdir -p "$home" && cd -- "$home" >/dev/null && pwd)/"; fi

. "$here/env.sh"
. "$here/data.sh"
. "$here/step.sh"
cd "$ROOT"

pretraining=(Tea Garden Toys)
target=Stationery
data="${home}dataset/quickstart${smallest:+-smallest}"
saved="${home}saved/quickstart${smallest:+-smallest}"
sizes=(--users 1200 --items 700 --target_users 300)  # a small target shop, where a backbone matters
epochs=()
if [ -n "$smallest" ]; then
    sizes=(--users 120 --items 60 --target_users 80 --target_items 50 --image_size 16)
    epochs=(--trainer.max_epochs 2)
fi

processed() {  # the processed folders of the shops named, as a list for prepare.py
    local shop folders=()
    for shop in "$@"; do folders+=("$data/processed/$shop"); done
    json_list "${folders[@]}"
}

prepare() {
    local shop
    "$PYTHON" prepare.py sample --out "$data/raw" --shops "$(json_list "${pretraining[@]}")" --target "$target" \
        ${sizes[@]+"${sizes[@]}"}
    for shop in "${pretraining[@]}" "$target"; do
        "$PYTHON" prepare.py domain --raw "$data/raw/$shop" --out "$data/processed/$shop"
    done
    "$PYTHON" prepare.py features --domains "$(processed "${pretraining[@]}" "$target")" \
        --fit "$(processed "${pretraining[@]}")"
    "$PYTHON" prepare.py merge --domains "$(processed "${pretraining[@]}")" --out "$data/processed/Pretrain"
}

fingerprint() {  # of everything that decides a run: $1 its domain, then its config, its arguments, its backbone
    local domain="$1" item
    shift
    {
        cat "$domain/manifest.json" "$domain"/features/*.safetensors configs/*/default.yaml
        for item in "$@"; do
            printf '%s\n' "$item"
            if [ -f "$item" ]; then cat "$item"; fi
        done
    } | tributary_hash
}

train() {  # train RUN DOMAIN COMMAND...: into $saved/RUN, unless the same run is finished there
    local run="$saved/$1" domain="$data/processed/$2" mark
    shift 2
    mark="$(fingerprint "$domain" "$@" ${epochs[@]+"${epochs[@]}"})"
    if [ -f "$run/best.ckpt" ] && [ "$(cat "$run/.finished" 2>/dev/null)" = "$mark" ]; then
        echo "$run is finished: reused"
        return
    fi
    rm -rf "$run"
    "$PYTHON" "$@" --data.domain "$domain" --run_dir "$run" ${epochs[@]+"${epochs[@]}"}
    echo "$mark" >"$run/.finished"
}

pretrain() { train pretrain Pretrain pretrain.py --config configs/pretrain/sample.yaml; }
scratch() { train scratch "$target" main.py --config configs/finetune/sample.yaml; }
transfer() {
    train transfer "$target" main.py --config configs/finetune/sample.yaml --backbone "$saved/pretrain/best.ckpt"
}

where() {
    printf '\nLogs of each run      %s\n' "$saved/{pretrain,scratch,transfer}/{output.log,metrics.csv,test.json}"
    printf 'Checkpoints           %s\n' "$saved/{pretrain,scratch,transfer}/{best,last}.ckpt"
    printf 'Pictures              %s\n' "$(find "$saved" -name '*.png' | sort | tr '\n' ' ')"
    printf 'Curves                tensorboard --logdir "%s"\n' "$saved"
    printf 'To do it all again    rm -r "%s" "%s"\n' "$data" "$saved"
    case "$saved" in /*) ;; *) printf 'Relative paths start at %s\n' "$ROOT" ;; esac
}

step "Sample shops, from raw files to features" prepare
step "Pretraining on ${pretraining[*]}" pretrain
step "Fine-tuning $target from scratch" scratch
step "Fine-tuning $target from the pretrained backbone" transfer
step "Both, side by side" "$PYTHON" -m trainer.report "$saved/scratch" "$saved/transfer"
where
