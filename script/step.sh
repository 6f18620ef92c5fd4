# Sourced: one line when a step starts, one with the seconds it took. A failing step ends the script (set -e).

step() {  # step TITLE COMMAND [ARGUMENT...]
    local title="$1" began="$SECONDS"
    shift
    printf '\n== %s\n' "$title"
    "$@"
    printf '== %s: %d s\n' "$title" "$((SECONDS - began))"
}
