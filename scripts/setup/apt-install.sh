#!/bin/sh
# apt-install.sh PACKAGE...: installs Debian packages, as root, and starts no service.
#
# Installing nginx would start one on port 80; we start our own, elsewhere. While packages are installed, the policy
# file that every Debian maintainer script asks refuses to start services; an nginx that was not there before is also
# kept from starting at the next boot. An existing policy and an nginx that was there before are left alone.
set -eu
export DEBIAN_FRONTEND=noninteractive

policy=/usr/sbin/policy-rc.d
had_nginx=$(command -v /usr/sbin/nginx || true)
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
fi

# Nothing that is there may be removed: some packages exclude each other (luajit and nginx's Lua module, rustup and rustc).
apt-get install -y --no-install-recommends --no-remove "$@"

if [ -z "$had_nginx" ] && [ -x /usr/sbin/nginx ] && [ -d /run/systemd/system ]; then
    systemctl disable nginx
fi
