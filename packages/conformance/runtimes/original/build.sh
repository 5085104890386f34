#!/bin/sh
# Builds the runtimes that are written as for lua-resty-ffi, without an SDK of ours, into dist/original.
set -eu
cd "$(dirname "$0")"
out=$(cd ../.. && pwd)/dist/original
include=$(cd ../../../../native/include && pwd)
cc="${CC:-cc} -std=gnu11 -O2 -g -Wall -Wextra -Werror -fPIC -shared -I $include"
jdk=${JAVA_HOME:-$(dirname "$(dirname "$(realpath "$(command -v javac)")")")}
mkdir -p "$out"

(cd go && go build -buildmode=c-shared -o "$out/libffi_original_go.so" . && rm "$out/libffi_original_go.h")
rustc --edition 2021 -O --crate-type cdylib -o "$out/libffi_original_rust.so" rust/echo.rs
python_has() {
    /usr/bin/python3 -c "import sysconfig; print(sysconfig.get_config_var('$1'))"
}
$cc -I"$(python_has INCLUDEPY)" -o "$out/libffi_original_python.so" python/loader.c -L"$(python_has LIBDIR)" \
    -l"python$(python_has LDVERSION)"
$cc -isystem "$jdk/include" -isystem "$jdk/include/linux" -o "$out/libffi_original_java.so" java/loader.c \
    -L"$jdk/lib/server" -ljvm -Wl,-rpath,"$jdk/lib/server"
"$jdk/bin/javac" --release 17 -d "$out/classes" java/resty/FFI.java java/demo/Echo.java
