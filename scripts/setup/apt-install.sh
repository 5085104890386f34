#!/bin/sh
# apt-install.sh PACKAGE...: installs Debian packages, as root, and starts no service.
#
# Installing nginx would start one on port 80, and etcd one on 2379; we start our own, elsewhere. While packages are
# installed, the policy file that every Debian maintainer script asks refuses to start services; a service that was not
# there before is also kept from starting at the next boot. An existing policy and services that were there are left alone.
set -eu
export DEBIAN_FRONTEND=noninteractive

policy=/usr/sbin/policy-rc.d
absent=
for program in /usr/sbin/nginx /usr/bin/etcd; do
    [ -x "$program" ] || absent="$absent $program"
done
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
fi

# Nothing that is there may be removed: some packages exclude each other (luajit and nginx's Lua module, rustup and rustc).
apt-get install -y --no-install-recommends --no-remove "$@"

for program in $absent; do
    if [ -x "$program" ] && [ -d /run/systemd/system ]; then
        systemctl disable "$(basename "$program")"
    fi
done
