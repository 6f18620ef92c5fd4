#!/usr/bin/env bash
# Fine-tune on Office and test; arguments go to main.py. See ../finetune.sh for BACKBONE.
. "$(dirname "$(readlink -f "$0")")/../finetune.sh" Office "$@"
