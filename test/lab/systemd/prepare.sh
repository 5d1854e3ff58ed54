# Makes the guest a host on which ipipou-ts is installed and one tunnel enabled, before systemd starts. Run by
# boot/systemd.sh in the repository.
#
#     root namespace: eth0 192.0.2.1 ─── eth0 192.0.2.2 :namespace far
#     ipipou@server, enabled             ipipou@client, by a drop-in
set -e
umask 022

# As `npm install -g` lays it out. Not linked: units have a /tmp of their own, and other users than root.
package=/usr/local/lib/node_modules/ipipou-ts
mkdir -p "$package/node_modules" /usr/local/bin
cp -r package.json dist "$package"
cd node_modules
cp -r koffi @koromix netlink node-gyp-build "$package/node_modules"
cd ..
chmod -R a+rX "$package"
ln -sf ../lib/node_modules/ipipou-ts/dist/cli/launch.js /usr/local/bin/ipipou-ts
command -v node >/dev/null # the interpreter that the unit finds

cp systemd/ipipou@.service systemd/ipipou.target /etc/systemd/system

mkdir -p /etc/ipipou
umask 077
cp etc/ipipou/server.conf.example /etc/ipipou/server.conf
sed 's/^fou-remote .*/fou-remote 192.0.2.1:10000/' etc/ipipou/client.conf.example >/etc/ipipou/client.conf
umask 022
systemctl --root=/ enable ipipou@server.service
mkdir /etc/systemd/system/ipipou@client.service.d
printf '[Service]\nNetworkNamespacePath=/run/netns/far\n' >/etc/systemd/system/ipipou@client.service.d/far.conf

ip netns add far
ip link add eth0 type veth peer name eth0 netns far
ip address add 192.0.2.1/24 dev eth0
ip link set eth0 up
ip route add default via 192.0.2.2
ip -n far address add 192.0.2.2/24 dev eth0
ip -n far link set lo up
ip -n far link set eth0 up

# Somebody has tried it by hand before: the folder that this leaves is in no service's way.
rm -rf /var/lib/ipipou /var/lib/private/ipipou
key=AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=
ipipou-ts --reauth-only -n 9 -r 192.0.2.2:9 --auth-key-b64 "$key"
rm /var/lib/ipipou/ipipou9.client.json
