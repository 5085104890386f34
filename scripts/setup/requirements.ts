import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { environment, which } from "../environment.ts";
import { atLeast, parseVersion } from "./version.ts";

/** One set of Debian's or Ubuntu's packages that meets a requirement. */
export interface Offer {
  packages: string[];
  /** The lowest sufficient version of the first package. */
  minimum?: string;
}

/** Something that the build, the tests or the demo need. */
export interface Requirement {
  name: string;
  why: string;
  /** What is wrong, as a clause; undefined if the requirement is met. */
  missing(): Promise<string | undefined>;
  /** In the order of preference: the first offer that the distribution has is installed. */
  offers: Offer[];
}

// The Go SDK needs 1.24; etcd's client needs 1.26.
const MINIMUM = { go: "1.26", rust: "1.85", java: "17", maven: "3.6", cmake: "3.18", python: "3.11" };

const NIGHTLY: Requirement[] = [
  tool("gcc for arm64", "builds the C core for arm64", ["aarch64-linux-gnu-gcc", "-dumpfullversion"], "8", [
    { packages: ["gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross"] },
  ]),
  tool("qemu", "runs the tests of the C core for arm64", ["qemu-aarch64", "--version"], "5", [
    { packages: ["qemu-user"] },
  ]),
];

export const REQUIREMENTS: Requirement[] = [
  tool("gcc", "compiles the C core and its tests", ["gcc", "-dumpfullversion"], "8", [
    { packages: ["gcc", "libc6-dev"] },
  ]),
  tool("cmake", "builds the C core", ["cmake", "--version"], MINIMUM.cmake, [{ packages: ["cmake"] }]),
  tool("ninja", "builds the C core", ["ninja", "--version"], "1.8", [{ packages: ["ninja-build"] }]),
  tool("clang-format", "checks the format of the C code", ["clang-format", "--version"], "11", [
    { packages: ["clang-format"] },
  ]),
  tool("nginx", "the host", ["nginx", "-v"], "1.14", [{ packages: ["nginx"] }]),
  file(
    "nginx's Lua module",
    "runs Lua in nginx",
    ["/usr/lib/nginx/modules/ngx_http_lua_module.so"],
    [{ packages: ["libnginx-mod-http-lua", "lua-resty-core"] }],
  ),
  file(
    "lua-resty-core",
    "what Lua code in nginx waits with",
    ["/usr/share/lua/5.1/resty/core.lua"],
    [{ packages: ["lua-resty-core"] }],
  ),
  tool("etcd", "is what the etcd examples and the demo talk to", ["etcd", "--version"], "3.3", [
    { packages: ["etcd-server"] },
  ]),
  ...["krb5kdc", "kadmin.local"].map((program) =>
    file(
      program,
      "is the KDC that the Kafka client's tests of Kerberos log in to",
      [program],
      [{ packages: ["krb5-kdc", "krb5-admin-server"] }],
    ),
  ),
  tool("g++", "builds librdkafka for the Kafka example in Rust", ["g++", "-dumpfullversion"], "8", [
    { packages: ["g++"] },
  ]),
  tool("make", "builds librdkafka for the Kafka example in Rust", ["make", "--version"], "4", [{ packages: ["make"] }]),
  file("setpriv", "ends the servers of tests with whoever started them", ["setpriv"], [{ packages: ["util-linux"] }]),
  tool("openssl", "makes certificates for tests", ["openssl", "version"], "1.1", [{ packages: ["openssl"] }]),
  tool("luacheck", "checks the Lua code", ["luacheck", "--version"], "0.23", [{ packages: ["lua-check"] }]),
  tool("go", "builds the Go SDK", ["go", "version"], MINIMUM.go, [
    { packages: ["golang-go"], minimum: MINIMUM.go },
    // An older Go fetches the newer toolchain: see go.ts.
    { packages: ["golang-go"] },
  ]),
  ...["rustc", "cargo", "cargo-clippy", "rustfmt"].map((program) =>
    tool(
      program,
      "builds and checks the Rust SDK",
      [program, "--version"],
      program.startsWith("rustc") ? MINIMUM.rust : "0",
      [
        { packages: ["rustc", "cargo", "rust-clippy", "rustfmt"], minimum: MINIMUM.rust },
        // The newer compiler that Debian packages for its browsers.
        { packages: ["rustc-web", "cargo-web", "rust-web-clippy", "rustfmt-web"], minimum: MINIMUM.rust },
      ],
    ),
  ),
  {
    name: "python",
    why: "the system's Python with headers and venv, for the Python SDK",
    missing: pythonMissing,
    offers: [{ packages: ["python3", "python3-dev", "python3-venv"] }],
  },
  tool("javac", "builds the Java SDK", ["javac", "-version"], MINIMUM.java, [
    { packages: ["openjdk-17-jdk-headless"] },
    { packages: ["default-jdk-headless"] },
  ]),
  file("mvn", "builds the Java SDK", ["mvn"], [{ packages: ["maven"] }]),
  file(
    "chromium",
    "tests the page of the demo",
    ["chromium", "chromium-browser", "google-chrome"],
    [{ packages: ["chromium", "fonts-dejavu-core"] }, { packages: ["chromium-browser"] }],
  ),
  file(
    "CA certificates",
    "package registries are reached over TLS",
    ["/etc/ssl/certs/ca-certificates.crt"],
    [{ packages: ["ca-certificates"] }],
  ),
  // native/test/run.sh arm64
  ...(process.env.NIGHTLY === "1" && process.arch === "x64" ? NIGHTLY : []),
];

/** The output of a command, both streams, or undefined if it cannot be run. */
function output(program: string, args: string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(program, args, { env: environment(), timeout: 10_000 }, (error, stdout, stderr) =>
      resolve(error ? undefined : `${stdout}${stderr}`),
    );
  });
}

/** A command that prints its version. */
function tool(
  name: string,
  why: string,
  [program = "", ...args]: string[],
  minimum: string,
  offers: Offer[],
): Requirement {
  const missing = async (): Promise<string | undefined> => {
    const place = which(program, environment().PATH);
    if (!place) return "is not installed";
    const version = parseVersion((await output(program, args)) ?? "");
    if (!version) return `does not run (${place})`;
    return atLeast(version, minimum) ? undefined : `is ${version} (${place}), and must be ${minimum} or newer`;
  };
  return { name, why, missing, offers };
}

/** A file or a command that only has to exist, in any one of `places`. */
function file(name: string, why: string, places: string[], offers: Offer[]): Requirement {
  const missing = async (): Promise<string | undefined> => {
    const found = places.some((place) =>
      place.startsWith("/") ? existsSync(place) : which(place, environment().PATH),
    );
    return found ? undefined : "is not installed";
  };
  return { name, why, missing, offers };
}

/** The system's own Python is embedded: another Python that is first on the path may lack headers. */
async function pythonMissing(): Promise<string | undefined> {
  const probe = "import sys, sysconfig, venv, ensurepip; print(sys.version.split()[0], sysconfig.get_path('include'))";
  const [version = "", include = ""] = ((await output("/usr/bin/python3", ["-c", probe])) ?? "").trim().split(" ");
  if (!version) return "is not installed, or is without its venv module";
  if (!atLeast(version, MINIMUM.python)) return `is ${version} and must be ${MINIMUM.python} or newer`;
  return existsSync(join(include, "Python.h")) ? undefined : `has no headers in ${include}`;
}
