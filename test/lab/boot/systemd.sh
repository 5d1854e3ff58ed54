# Becomes systemd, which boots to multi-user.target and then runs the caller's command as lab.service.
# Run by the guest's first process as `exec sh systemd.sh`; what it changes in /etc the host never sees.
set -e

[ -s /etc/machine-id ] || tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id
units=/etc/systemd/system

# By these files, which a container's root has, systemd would take the machine for one and not share its mounts.
rm -f /.dockerenv /run/.containerenv

# Of the host's services none shall run here; and systemd-tmpfiles would empty /tmp, where the repository may lie.
rm -rf "$units"/*.wants
for unit in systemd-tmpfiles-setup.service getty.target dbus.service dbus.socket systemd-logind.service; do
  ln -sf /dev/null "$units/$unit"
done

cat >"$units/lab.target" <<END
[Unit]
Wants=multi-user.target lab.service
AllowIsolate=yes
END
cat >"$units/lab.service" <<END
[Unit]
After=multi-user.target
[Service]
Type=exec
ExecStart=sh /run/lab/command.sh
END

. /run/lab/job.sh # run_prepare
(run_prepare)
exec /lib/systemd/systemd --unit=lab.target --show-status=no
