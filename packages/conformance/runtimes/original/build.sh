#!/bin/sh
# Builds the runtimes that are written as for lua-resty-ffi, without an SDK of ours, into dist/original.
set -eu
cd "$(dirname "$0")"
out=$(cd ../.. && pwd)/dist/original
include=$(cd ../../../../native/include && pwd)
cc="${CC:-cc} -std=gnu11 -O2 -g -Wall -Wextra -Werror -fPIC -shared -I $include"
jdk=${JAVA_HOME:-$(dirname "$(dirname "$(realpath "$(command -v javac)")")")}
python=/usr/bin/python3-config
mkdir -p "$out"

(cd go && go build -buildmode=c-shared -o "$out/libffi_original_go.so" . && rm "$out/libffi_original_go.h")
rustc --edition 2021 -O --crate-type cdylib -o "$out/libffi_original_rust.so" rust/echo.rs
# shellcheck disable=SC2046 # words
$cc $($python --includes) -o "$out/libffi_original_python.so" python/loader.c $($python --embed --ldflags)
$cc -isystem "$jdk/include" -isystem "$jdk/include/linux" -o "$out/libffi_original_java.so" java/loader.c \
    -L"$jdk/lib/server" -ljvm -Wl,-rpath,"$jdk/lib/server"
"$jdk/bin/javac" --release 17 -d "$out/classes" java/resty/FFI.java java/demo/Echo.java
