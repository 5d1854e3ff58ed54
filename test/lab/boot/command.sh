# The caller's command on the virtio console, its exit code to the host, and the end of the machine.
# Run by the host's shell as `sh command.sh`.

# hvc0 carries the command's output as it is written, or a shell's terminal.
. /run/lab/job.sh # INTERACTIVE, run_job
if [ "$INTERACTIVE" = 1 ]; then
  setsid -c -w sh -c '. /run/lab/job.sh; run_job' <>/dev/hvc0 >&0 2>&1
else
  stty -F /dev/hvc0 -opost -echo
  (run_job) </dev/null >/dev/hvc0 2>&1
fi
code=$?
stty -F /dev/hvc0 sane # changing a terminal's settings waits until its output has left
echo "exit $code" >/dev/virtio-ports/control
echo o >/proc/sysrq-trigger
while :; do sleep 1; done
