# What the five scripts in finetune/ share: check the domain's data, choose a backbone, fine-tune and test.
#
#   bash script/finetune/scientific.sh [arguments of main.py]     paths in arguments are relative to the repository
#   BACKBONE=path/to.ckpt   start from these weights; BACKBONE=none from scratch. Without it: the newest .ckpt in
#                           pre_weights/, else the newest best.ckpt of script/pretrain.sh, else from scratch
set -euo pipefail
shop="$1"
shift
caller="$PWD"
ROOT="$(cd -P -- "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)"
cd "$ROOT"
. script/data.sh

config="configs/finetune/$(echo "$shop" | tr '[:upper:]' '[:lower:]').yaml"
default="$(config_domain "$config")"
default="${default:-dataset/amazon_v2/processed/$shop}"
domain="$(chosen_domain "$default" "$@")"
raw="${domain%/processed/*}/raw/$shop"

explain_missing() {
    echo "$shop: the domain's data is missing."
    echo "Processed files that are not in $domain (relative paths start at $ROOT):"
    processed_absent "$domain" leave_one_out | indented
    if [ "$domain" != "$default" ]; then
        echo "Make them with: python prepare.py domain --raw RAW_FOLDER --out $domain"
        return
    fi
    echo "Put a published processed domain there, with its text_feat.pth and image_feat.pth, or one file of interactions"
    echo "and one of metadata, whatever their names, into $raw/"
    echo "(pictures, where you have them, into its images/<asin>.jpg), which this script then prepares by itself:"
    fetch_command "${raw%/*}" "$shop" | indented
    echo "downloads them from $SOURCE"
}

newest() {  # the newest of the files given that exist
    local file latest=""
    for file in "$@"; do
        if [ -f "$file" ] && { [ -z "$latest" ] || [ "$file" -nt "$latest" ]; }; then latest="$file"; fi
    done
    echo "$latest"
}

choose_backbone() {  # prints the checkpoint to start from, or nothing
    local given="${BACKBONE:-}" merged file
    if [ "$given" = none ]; then return 0; fi
    if [ -n "$given" ]; then
        for file in "$caller/$given" "$ROOT/$given" "$given"; do
            if [ -f "$file" ]; then echo "$file"; return 0; fi
        done
        echo "BACKBONE=$given: no such file (looked in $caller and $ROOT)." >&2
        return 2
    fi
    merged="$(config_domain "$PRETRAIN_CONFIG")"
    file="$(newest pre_weights/*.ckpt)"
    echo "${file:-$(newest saved/*/"${merged##*/}"/*/best.ckpt)}"
}

prepare_raw() {  # raw files to a processed domain, in the feature space of the pretraining shops where these are here
    local encoder="${domain%/*}/${PRETRAIN_SHOPS%% *}/features/text_encoder.safetensors" shared=()
    if [ -f "$encoder" ]; then shared=(--text_encoder "$encoder"); fi
    "$PYTHON" prepare.py domain --raw "$raw" --out "$domain"
    "$PYTHON" prepare.py features --domains "$(json_list "$domain")" ${shared[@]+"${shared[@]}"}
}

lacking="$(processed_absent "$domain" leave_one_out)"
if [ -n "$lacking" ] && { [ "$domain" != "$default" ] || ! has_raw "$raw"; }; then
    explain_missing >&2
    exit 2
fi
start=()
case " $* " in
    *" --backbone"* | *" --ckpt_path"*) echo "$shop: weights as your arguments say" ;;
    *)
        backbone="$(choose_backbone)"
        if [ -n "$backbone" ]; then
            start=(--backbone "$backbone")
            echo "$shop: starting from the backbone $backbone"
        else
            echo "$shop: training from scratch (no backbone: none asked for, or none in pre_weights/ and saved/)"
        fi
        ;;
esac
. script/env.sh
if [ -n "$lacking" ]; then prepare_raw; fi
exec "$PYTHON" main.py --config "$config" ${start[@]+"${start[@]}"} "$@"
