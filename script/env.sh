# Sourced by every script. Makes $ROOT/.venv, or refreshes it when the pins changed, and puts it first on PATH.
#
#   TRIBUTARY_PYTHON=/path/to/python   use that interpreter (an active conda environment, say) and install nothing
#   TRIBUTARY_DEV=1                    install requirements-dev.txt too: the checkers and the test runner
#   TRIBUTARY_PIP=1                    use pip although uv is on PATH
#
# Leaves ROOT, PYTHON and PATH behind; returns 2 with a message where there is no way on. bash 3.2 is enough.
# Where packages come from is left to your own pip or uv settings.

ROOT="$(cd -P -- "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)"
TRIBUTARY_VENV="$ROOT/.venv"

tributary_say() { printf '%s\n' "$*" >&2; }

tributary_version() {  # prints the version of interpreter $1; fails below 3.11 and where it does not run
    "$1" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3]); sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

tributary_hash() {
    if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -d ' ' -f 1
}

tributary_line() {  # the line that the stamp must hold for $1 = base | dev
    local files=("$ROOT/requirements.txt") version
    if [ "$1" = dev ]; then files+=("$ROOT/requirements-dev.txt"); fi
    version="$(tributary_version "$TRIBUTARY_VENV/bin/python")" || return 1
    printf '%s %s %s\n' "$1" "$version" "$(cat "${files[@]}" | tributary_hash)"
}

tributary_kind() { if [ "${TRIBUTARY_DEV:-}" = 1 ]; then echo dev; else echo base; fi; }

tributary_ready() {
    local line
    [ ! -e "$TRIBUTARY_VENV/.installing" ] && [ -f "$TRIBUTARY_VENV/.pins" ] || return 1
    line="$(tributary_line "$(tributary_kind)")" && grep -qxF "$line" "$TRIBUTARY_VENV/.pins"
}

tributary_uv() { [ "${TRIBUTARY_PIP:-}" != 1 ] && command -v uv >/dev/null; }

tributary_find_python() {  # prints the first Python >= 3.11 that can make an environment
    local name version bare=""
    for name in python3.14 python3.13 python3.12 python3.11 python3 python; do
        version="$(tributary_version "$name")" || continue
        if tributary_uv || "$name" -c 'import ensurepip, venv' 2>/dev/null; then
            command -v "$name"
            return 0
        fi
        bare="${bare:-$version}"
    done
    if [ -n "$bare" ]; then
        tributary_say "Python $bare is here, but without venv and ensurepip it cannot make an environment." \
            "Install them (Debian, Ubuntu: apt install python${bare%.*}-venv) or uv, and start again."
    else
        tributary_say "No Python 3.11 or newer on PATH (looked for python3.14 to python3.11, python3, python)." \
            "Install one, or name it with TRIBUTARY_PYTHON=/path/to/python, and start again."
    fi
    return 2
}

tributary_make() {  # an empty environment; what an earlier, broken one left goes first
    local python
    python="$(tributary_find_python)" || return 2
    find "$TRIBUTARY_VENV/" -mindepth 1 -maxdepth 1 ! -name '.script-lock*' ! -name .installing -exec rm -rf {} + || return 2
    tributary_say "Making .venv with $python"
    if tributary_uv; then
        uv venv --quiet --allow-existing --python "$python" "$TRIBUTARY_VENV" >&2 && return 0
    else
        "$python" -m venv "$TRIBUTARY_VENV" >&2 && return 0
    fi
    tributary_say "$python could not make $TRIBUTARY_VENV; the reason is above."
    return 2
}

tributary_fill() {  # installs requirements file $1
    local python="$TRIBUTARY_VENV/bin/python"
    if tributary_uv; then
        uv pip install --python "$python" -r "$1" >&2
        return
    fi
    if ! "$python" -m pip --version >/dev/null 2>&1; then  # an environment that uv made has no pip
        "$python" -m ensurepip >&2 || return
    fi
    "$python" -m pip install --disable-pip-version-check -r "$1" >&2
}

tributary_install() {  # under the lock. A killed install leaves .installing behind: then nothing in .venv is trusted
    local requirements="$ROOT/requirements.txt" broken=""
    if tributary_ready; then return 0; fi
    if [ -e "$TRIBUTARY_VENV/.installing" ]; then
        tributary_say "The last install into .venv did not finish: starting over."
        broken=1
    fi
    tributary_version "$TRIBUTARY_VENV/bin/python" >/dev/null || broken=1
    : >"$TRIBUTARY_VENV/.installing" || return 2
    rm -f "$TRIBUTARY_VENV/.pins"
    if [ -n "$broken" ]; then tributary_make || return 2; fi
    if [ "$(tributary_kind)" = dev ]; then requirements="$ROOT/requirements-dev.txt"; fi
    tributary_say "Installing ${requirements##*/} into .venv (minutes the first time, then only when the pins change)"
    if ! tributary_fill "$requirements"; then
        tributary_say "The install failed; the reason is above. Start again once it is mended."
        return 2
    fi
    tributary_line base >"$TRIBUTARY_VENV/.pins" || return 2
    if [ "$(tributary_kind)" = dev ]; then tributary_line dev >>"$TRIBUTARY_VENV/.pins" || return 2; fi
    rm -f "$TRIBUTARY_VENV/.installing"
}

tributary_locked_install() (  # a subshell: the lock goes when it ends, however it ends
    mkdir -p "$TRIBUTARY_VENV" || exit 2
    lock="$TRIBUTARY_VENV/.script-lock"  # uv has a .lock of its own there
    if command -v flock >/dev/null; then
        exec 9>"$lock" || exit 2
        if ! flock -n 9; then
            tributary_say "Another script is installing into .venv: waiting for it."
            flock 9 || exit 2
        fi
    else
        until mkdir "$lock.d" 2>/dev/null; do
            holder="$(cat "$lock.d/pid" 2>/dev/null || true)"
            if [ -n "$holder" ] && ! kill -0 "$holder" 2>/dev/null; then rm -rf "$lock.d"; else sleep 1; fi
        done
        trap 'rm -rf "$lock.d"' EXIT
        echo "$$" >"$lock.d/pid"
    fi
    tributary_install
)

tributary_given() {  # the interpreter that TRIBUTARY_PYTHON names, as an absolute path
    local python
    if ! python="$(command -v "$TRIBUTARY_PYTHON")" || ! tributary_version "$python" >/dev/null; then
        tributary_say "TRIBUTARY_PYTHON=$TRIBUTARY_PYTHON is no Python 3.11 or newer that runs." \
            "Name another, or unset it and a .venv is made for you."
        return 2
    fi
    case "$python" in /*) echo "$python" ;; *) echo "$PWD/$python" ;; esac
}

if [ -n "${TRIBUTARY_PYTHON:-}" ]; then
    PYTHON="$(tributary_given)" || return 2
else
    tributary_ready || tributary_locked_install || return 2
    PYTHON="$TRIBUTARY_VENV/bin/python"
fi
case ":$PATH:" in
    ":${PYTHON%/*}:"*) ;;
    *) export PATH="${PYTHON%/*}:$PATH" ;;
esac
