#!/bin/sh
# Builds the core and its tests in one flavour and runs them: plain, address (with UndefinedBehaviorSanitizer), thread.
#   run.sh FLAVOUR [CTEST ARGUMENTS]
set -eu
cd "$(dirname "$0")/.."
flavour=$1
shift
case $flavour in
plain) build=build sanitize= ;;
address | thread) build=build-$flavour sanitize=$flavour ;;
*)
    echo "no such flavour: $flavour" >&2
    exit 2
    ;;
esac
cmake -S . -B "$build" -G Ninja --log-level=WARNING -DRESTY_FFI_SANITIZE="$sanitize" >/dev/null
cmake --build "$build" --target tests
export TSAN_OPTIONS="halt_on_error=1 ${TSAN_OPTIONS-}"
exec ctest --test-dir "$build" --output-on-failure -j 3 "$@"
