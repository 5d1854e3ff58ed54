#!/bin/sh
# The guest's first process, in the initramfs: makes the host's root the guest's, unchangeable, and hands over to
# guest.sh in it. Every failing line ends the shell, thus the kernel panics ("Attempted to kill init") and the host sees it.
set -e

mkdir -p /proc /host /layer /root
mount -t proc proc /proc
while read -r module; do insmod "$module"; done </modules.list

mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=loose,ro host /host
mount -t tmpfs -o mode=755,size=50% layer /layer
mkdir /layer/upper /layer/work
mount -t overlay -o lowerdir=/host,upperdir=/layer/upper,workdir=/layer/work root /root

release=$(uname -r)
. /lab/places.sh # MODULES, KEEP

# What the caller needs may lie below a folder that becomes a tmpfs: hold it while that happens.
held=0
for place in $KEEP; do
  held=$((held + 1))
  mkdir -p "/held/$held"
  mount --bind "/root$place" "/held/$held"
done

mount -t tmpfs -o mode=1777 tmp /root/tmp
mount -t tmpfs -o mode=755 run /root/run
held=0
for place in $KEEP; do
  held=$((held + 1))
  mkdir -p "/root$place"
  mount --move "/held/$held" "/root$place"
done

mkdir -p "/root/lib/modules/$release"
mount --bind "/host$MODULES" "/root/lib/modules/$release"

mount --move /proc /root/proc
mount -t sysfs sys /root/sys
mount -t devtmpfs dev /root/dev
mkdir -p /root/dev/pts /root/dev/shm /root/run/lab /root/run/netns
mount -t devpts -o mode=620,ptmxmode=666 devpts /root/dev/pts
mount -t tmpfs -o mode=1777 shm /root/dev/shm
mount -t cgroup2 cgroup2 /root/sys/fs/cgroup
cp /lab/* /root/run/lab/

exec switch_root /root /bin/sh /run/lab/guest.sh
