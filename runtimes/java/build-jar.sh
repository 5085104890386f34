#!/bin/sh
# Compiles a folder of runtimes against the SDK into dist/NAME.jar: build-jar.sh FOLDER NAME
set -e
jdk=${JAVA_HOME:+$JAVA_HOME/bin/}
rm -rf "build/$2"
"${jdk}javac" -Xlint:all -Werror --release 17 -cp dist/resty-ffi.jar -d "build/$2" "$1"/*.java
"${jdk}jar" --create --file "dist/$2.jar" -C "build/$2" .
