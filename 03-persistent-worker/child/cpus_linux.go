package child

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// onCPUs calls start on a thread that may use only these processors, see
// sched_setaffinity(2). A child inherits that from the thread which starts it.
// (To set it from outside, after the start, would reach one of its threads: a Go
// program has five by then.) The caller is locked to its thread.
func onCPUs(cpus []int, start func() error) error {
	if len(cpus) == 0 {
		return start()
	}
	var before, set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return os.NewSyscallError("sched_getaffinity", err)
	}
	for _, cpu := range cpus {
		if cpu < 0 || !before.IsSet(cpu) {
			return fmt.Errorf("processor %d is none that this program may use", cpu)
		}
		set.Set(cpu)
	}
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("use only processors %v: %w", cpus, os.NewSyscallError("sched_setaffinity", err))
	}
	defer func() { _ = unix.SchedSetaffinity(0, &before) }()
	return start()
}
