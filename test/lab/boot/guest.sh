# The guest's first process once the host's root is its own: a little order, then the caller's command, by itself or
# under systemd. Run by the host's shell as `sh guest.sh`.
set -e

# What udev would do: ports by the names the host gave them.
mkdir /dev/virtio-ports
for port in /sys/class/virtio-ports/*; do
  [ -e "$port/name" ] || continue # the console is a port without one
  read -r name <"$port/name"
  ln -s "/dev/${port##*/}" "/dev/virtio-ports/$name"
done

echo up >/dev/virtio-ports/control
hostname lab
ip link set lo up
ln -sf /proc/self/fd /dev/fd

. /run/lab/job.sh # INIT
if [ "$INIT" = systemd ]; then exec sh /run/lab/systemd.sh; fi
exec sh /run/lab/command.sh
