#!/bin/sh
# layers.sh -- an upward include must not compile: each module is tried with a header of every module that its folder in
# src/layers/ does not list.
set -u
compiler=${CC:-cc}
status=0 tried=0
for layer in src/layers/*; do
    for module in src/layers/cli/*; do
        module=${module##*/}
        [ -e "$layer/$module" ] && continue
        header=$(find "src/$module" -name '*.h' | head -n 1)
        [ -n "$header" ] || continue
        tried=$((tried + 1))
        if printf '#include "%s"\n' "${header#src/}" |
            $compiler -D_GNU_SOURCE -fsyntax-only -I"$layer" -x c - 2>/dev/null; then
            echo "${layer##*/} can include ${header#src/}"
            status=1
        fi
    done
done
echo "$tried upward includes refused"
[ "$tried" -gt 0 ] && exit $status
