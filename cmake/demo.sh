#!/usr/bin/env bash
# From nothing to a trained detector: installs what is needed, builds, makes a detection set out of real
# pictures of clothing, trains a YOLOX-nano with the eight hooks, evaluates it and shows the result.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source cmake/packages.sh
started=$SECONDS
install_packages "${grapnel_packages[@]}"
configure_and_build -DGRAPNEL_BUILD_TESTS=OFF
built=$SECONDS

data=data/fashion_scenes
work=work_dirs/yolox_nano_fashion_scenes
config=host/configs/yolox_nano_fashion_scenes.toml
if [ ! -f "$data/annotations/val.json" ]; then
  build/bin/grapnel data fashion-scenes "$data" --train 1500 --val 300 --size 160 --seed 0
fi
mkdir -p "$work"
build/bin/grapnel train "$config"
trained=$SECONDS

best=$(cat "$work/last_checkpoint")
mapfile -t pictures < <(find "$data/val" -name '*.jpg' | sort | head -n 12)
build/bin/grapnel predict "$config" --checkpoint "$best" "${pictures[@]}" --out "$work/pictures"

printf '\nDone in %d s: %d s to install and build, %d s to make the data and train.\n' \
  $((SECONDS - started)) $((built - started)) $((trained - built))
printf 'Pictures with boxes: %s\nResults, log and curves: %s\nCheckpoint: %s\n' "$work/pictures" "$work" "$best"
