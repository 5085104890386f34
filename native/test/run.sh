#!/bin/sh
# Builds the core and its tests in one flavour and runs them: plain, address (with UndefinedBehaviorSanitizer), thread,
# arm64 (cross-compiled, under qemu).
#   run.sh FLAVOUR [CTEST ARGUMENTS]
set -eu
cd "$(dirname "$0")/.."
flavour=$1
shift
case $flavour in
plain) build=build option=-DRESTY_FFI_SANITIZE= ;;
address | thread) build=build-$flavour option=-DRESTY_FFI_SANITIZE=$flavour ;;
arm64) build=build-arm64 option=-DCMAKE_TOOLCHAIN_FILE=arm64.cmake ;;
*)
    echo "no such flavour: $flavour" >&2
    exit 2
    ;;
esac
cmake -S . -B "$build" -G Ninja --log-level=WARNING "$option" >/dev/null
cmake --build "$build" --target tests
export TSAN_OPTIONS="halt_on_error=1 ${TSAN_OPTIONS-}"
if [ "$flavour" = arm64 ]; then
    # The kernel does not start programs of another machine; a script is one of this machine.
    export RESTY_FFI_RUNNER="$PWD/$build/runner"
    printf '#!/bin/sh\nexec qemu-aarch64 -L /usr/aarch64-linux-gnu "%s" "$@"\n' "$PWD/$build/bin/resty-ffi-run" \
        >"$RESTY_FFI_RUNNER"
    chmod +x "$RESTY_FFI_RUNNER"
    cat <<'END'
Not run under qemu:
- what measures memory, since qemu keeps a record of each page that is mapped, and gives no shared page back when it is
  told to: block.unused_large_blocks_…, block.an_untouched_queue_…, unload.two_hundred_times_…
- what counts on short times: home.*, chaos.*, fuzz.*, death.one_that_keeps_dying_…
- what is started as a program of its own: program.*
- what runs a process step by step: abi1.a_close_counts_…
- what looks at the last lines of a child, where qemu adds one: limits.last_words_…, death.how_it_ended_is_told,
   death.…_says_why, death.its_last_words_…
- what forbids system calls, which qemu makes for itself: forbidden.*
- what hears at once that a program cannot be started, which qemu finds out later: process.a_missing_runner_is_explained
- what compiles a library, for the machine of the compiler: load.a_library_that_needs_another_one_is_named
END
    set -- -E '^block\.(unused_large|an_untouched)|^abi1\.a_close_counts|^unload\.two_hundred_times|^(home|chaos|fuzz|program|forbidden)\.|^limits\.last_words|^death\.(one_that_keeps|how_it|.*_says_why|its_last_words)|^process\.a_missing_runner|^load\.a_library_that_needs' "$@"
fi
exec ctest --test-dir "$build" --output-on-failure -j 6 "$@"
