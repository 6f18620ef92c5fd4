# Sourced: which files a domain needs and where they come from. Bash alone, so that the answer comes at once
# and before any environment is made. Paths are relative to $ROOT, as in configs/.

SOURCE="Amazon Review Data (2018), by Ni et al., UCSD: https://nijianmo.github.io/amazon/"
PRETRAIN_CONFIG="configs/pretrain/default.yaml"
PRETRAIN_SHOPS="Food Home CDs Kindle Movies"

config_domain() {  # data.domain of yaml $1, empty where it names none
    [ -f "$1" ] || return 0
    sed -n "s/^ \{1,\}domain: *[\"']\{0,1\}\([^\"'#]*[^\"'# ]\).*/\1/p" "$1" | head -n 1
}

chosen_domain() {  # the domain folder in effect: $1 unless the arguments that follow name another; the last one wins
    local domain="$1" value
    shift
    while [ $# -gt 0 ]; do
        value=""
        case "$1" in
            --data.domain=*) value="${1#*=}" ;;
            --config=*) value="$(config_domain "${1#*=}")" ;;
            --data.domain) value="${2:-}" ;;
            --config | -c) value="$(config_domain "${2:-}")" ;;
        esac
        if [ -n "$value" ]; then domain="$value"; fi
        shift
    done
    echo "$domain"
}

absent() {  # those of the files that follow which folder $1 lacks
    local folder="$1" file
    shift
    for file in "$@"; do [ -s "$folder/$file" ] || echo "$file"; done
}

processed_absent() {  # what processed folder $1 lacks, for the split $2 = leave_one_out | pretrain
    absent "$1" item2id.jsonl user2id.jsonl
    if ! compgen -G "$1/features/*.safetensors" >/dev/null && ! compgen -G "$1/*_feat.pth" >/dev/null; then
        echo "features/text.safetensors and features/image.safetensors (or the published text_feat.pth, image_feat.pth)"
    fi
    if [ -s "$1/histories.jsonl" ] || [ -s "$1/histories/part-00000.parquet" ]; then return 0; fi
    if [ ! -s "$1/train_seq.jsonl" ]; then
        echo "histories.jsonl (or the published train_seq.jsonl, eval_seq.jsonl and test_seq.jsonl)"
    elif [ "$2" = leave_one_out ]; then
        absent "$1" eval_seq.jsonl test_seq.jsonl
    fi
}

has_raw() {  # whether folder $1 holds raw files; what is in them is for prepare.py to judge
    local file
    for file in "$1"/*; do
        if [ -f "$file" ] && [ -s "$file" ]; then return 0; fi
    done
    return 1
}

fetch_command() {  # what downloads the domains that follow into the folder $1 of raw folders
    local out="$1" IFS=,
    shift
    echo "python prepare.py fetch --domains '[$*]' --out $out"
}

indented() { sed 's/^/    /'; }

json_list() {  # the arguments as prepare.py reads a list
    local item joined=""
    for item in "$@"; do joined="$joined${joined:+, }\"$item\""; done
    echo "[$joined]"
}
