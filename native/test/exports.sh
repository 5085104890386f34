#!/bin/sh
# libresty_ffi.so runs in every host on every libc: it names no library, no symbol version, and exports its own
# functions only.
#   exports.sh LIBRESTY_FFI_SO
set -eu
lib=$1
bad=0

fail() {
    echo "$1" >&2
    bad=1
}

if readelf --dynamic --wide "$lib" | grep NEEDED; then
    fail "it needs other libraries"
fi
if readelf --version-info --wide "$lib" | grep -E "GLIBC|GCC_|verneed|Version needs"; then
    fail "it needs versions of symbols"
fi
# Functions that only newer versions of glibc have.
if readelf --dyn-syms --wide "$lib" | awk '$7 == "UND" { print $8 }' | grep -xE "[fl]?stat(at)?|mknod|[a-z_]+64|__isoc23_.*"; then
    fail "it needs functions that older systems do not have"
fi
exported=$(readelf --dyn-syms --wide "$lib" |
    awk '$5 != "LOCAL" && $7 != "UND" && $7 != "ABS" && NR > 3 { sub(/@.*/, "", $8); print $8 }' | sort -u)
for name in $exported; do
    case $name in
    resty_ffi_* | ngx_http_lua_ffi_task_poll | ngx_http_lua_ffi_get_req | ngx_http_lua_ffi_respond) ;;
    *) fail "it exports $name" ;;
    esac
done
for name in ngx_http_lua_ffi_task_poll ngx_http_lua_ffi_get_req ngx_http_lua_ffi_respond \
    $(grep -v "static inline" "$(dirname "$0")/../include/resty_ffi.h" | grep -ohE '\bresty_ffi_[a-z_]+\(' | tr -d '(' |
        grep -vx resty_ffi_cost | sort -u); do
    echo "$exported" | grep -qx "$name" || fail "it does not export $name"
done
readelf --dynamic --wide "$lib" | grep -q NODELETE || fail "it can be unloaded"
echo "$(echo "$exported" | wc -l) functions exported"
exit $bad
