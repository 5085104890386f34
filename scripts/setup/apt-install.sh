#!/bin/sh
# apt-install.sh PACKAGE...: installs Debian packages, as root, and starts no service.
#
# Installing nginx would start one on port 80, etcd one on 2379, and krb5-kdc one on 88; we start our own, elsewhere. While
# packages are installed, the policy file that every Debian maintainer script asks refuses to start services; a service that
# was not there before is also kept from starting at the next boot. An existing policy and services that were there are left
# alone.
set -eu
export DEBIAN_FRONTEND=noninteractive

policy=/usr/sbin/policy-rc.d
absent=
for service in nginx:/usr/sbin/nginx etcd:/usr/bin/etcd krb5-kdc:/usr/sbin/krb5kdc krb5-admin-server:/usr/sbin/kadmind; do
    [ -x "${service#*:}" ] || absent="$absent $service"
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

for service in $absent; do
    if [ -x "${service#*:}" ] && [ -d /run/systemd/system ]; then
        systemctl disable "${service%%:*}"
    fi
done
