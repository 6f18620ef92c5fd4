#!/usr/bin/env bash
# Pretrain on five Amazon shops: raw files → processed domains → features → one merged domain → pretrain.py.
# Arguments go to pretrain.py; paths in them are relative to the repository. What is prepared already is not again.
set -euo pipefail
ROOT="$(cd -P -- "$(dirname "$(readlink -f "$0")")/.." && pwd)"
cd "$ROOT"
. script/data.sh

default="$(config_domain "$PRETRAIN_CONFIG")"
default="${default:-dataset/amazon_v2/processed/FHCKM}"
merged="$(chosen_domain "$default" "$@")"
folder="${merged%/*}"

explain_missing() {
    local shop missing
    echo "The pretraining domain $merged is not there yet (relative paths start at $ROOT). It lacks:"
    processed_absent "$merged" pretrain | indented
    if [ "$merged" != "$default" ]; then
        echo "Make it with: python prepare.py merge --domains '[...]' --out $merged"
        return
    fi
    missing="$(raw_missing)"
    echo "This script makes it from raw files, one of interactions and one of metadata a shop, whatever their names"
    echo "(pictures, where you have them, go to images/<asin>.jpg beside them). None are in"
    for shop in $missing; do echo "${folder%/processed}/raw/$shop/" | indented; done
    echo "and"
    fetch_command "${folder%/processed}/raw" $missing | indented
    echo "downloads them from $SOURCE"
}

raw_missing() {  # the shops that are not prepared and have no raw files to be prepared from
    local shop
    for shop in $PRETRAIN_SHOPS; do
        if [ -n "$(processed_absent "$folder/$shop" leave_one_out)" ]; then
            has_raw "${folder%/processed}/raw/$shop" || echo "$shop"
        fi
    done
}

prepare_shops() {
    local shop domains=()
    for shop in $PRETRAIN_SHOPS; do
        domains+=("$folder/$shop")
        if [ -n "$(processed_absent "$folder/$shop" leave_one_out)" ]; then
            "$PYTHON" prepare.py domain --raw "${folder%/processed}/raw/$shop" --out "$folder/$shop"
        fi
    done
    "$PYTHON" prepare.py features --domains "$(json_list "${domains[@]}")"
    "$PYTHON" prepare.py merge --domains "$(json_list "${domains[@]}")" --out "$merged"
}

lacking="$(processed_absent "$merged" pretrain)"
if [ -n "$lacking" ] && { [ "$merged" != "$default" ] || [ -n "$(raw_missing)" ]; }; then
    explain_missing >&2
    exit 2
fi
. script/env.sh
if [ -n "$lacking" ]; then prepare_shops; fi
exec "$PYTHON" pretrain.py --config "$PRETRAIN_CONFIG" "$@"
