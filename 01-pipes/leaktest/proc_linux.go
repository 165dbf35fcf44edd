package leaktest

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// AdoptOrphans makes this process the parent of every descendant whose own
// parent has died. Without it they go to process 1, out of our sight. See
// PR_SET_CHILD_SUBREAPER in prctl(2). On systems without that it does nothing. [Run]
// calls it.
func AdoptOrphans() error {
	return os.NewSyscallError("prctl", unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
}

func look() (*Snapshot, error) {
	s := &Snapshot{goroutines: goroutines()}
	var err error
	if s.descriptors, err = descriptors(); err != nil {
		return nil, err
	}
	s.children, err = children()
	return s, err
}

// descriptors lists what this process has open. Each entry of /proc/self/fd is
// a link that says what is behind the number.
func descriptors() (map[string]string, error) {
	const dir = "/proc/self/fd"
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, entry := range entries {
		target, err := os.Readlink(dir + "/" + entry.Name())
		if err != nil {
			continue // the one that ReadDir had open
		}
		found[entry.Name()] = target
	}
	return found, nil
}

// children lists the processes whose parent is this one, zombies included. A
// zombie answers signals as if it were alive, so ask /proc and not kill(pid, 0).
func children() (map[string]string, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	me := strconv.Itoa(os.Getpid())
	for _, entry := range entries {
		if _, err := strconv.Atoi(entry.Name()); err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + entry.Name() + "/stat")
		if err != nil {
			continue // it has ended meanwhile
		}
		// "pid (name) state ppid …"; the name may hold spaces and brackets.
		head, tail, _ := cutLast(string(stat), ") ")
		fields := strings.Fields(tail)
		if len(fields) < 2 || fields[1] != me {
			continue
		}
		_, name, _ := strings.Cut(head, "(")
		if fields[0] == "Z" {
			found[entry.Name()] = fmt.Sprintf("%q is a zombie: it has ended, and nobody waited for it", name)
		} else {
			found[entry.Name()] = fmt.Sprintf("%q is alive (state %s)", name, fields[0])
		}
	}
	return found, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// ReapOrphans waits until the processes that this one has adopted have ended, at
// most for Grace, and takes them out of the process table, as process 1 would.
// Without it a test that kills a parent leaves the children of that parent as
// zombies of its own. Call it only when no child of your own is alive: it would
// take that one's exit status. Elsewhere than on Linux it does nothing.
func ReapOrphans() {
	for deadline := time.Now().Add(Grace); time.Now().Before(deadline); {
		pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
		switch {
		case err != nil && err != unix.EINTR:
			return // there is none
		case pid == 0:
			time.Sleep(time.Millisecond)
		}
	}
}

// killChildren ends what is left, so that it does not outlive the tests.
func killChildren() {
	left, _ := children()
	for id := range left {
		pid, _ := strconv.Atoi(id)
		// Safe: our child keeps its number until we wait for it.
		_ = unix.Kill(pid, unix.SIGKILL)
		_, _ = unix.Wait4(pid, nil, 0, nil)
	}
}

// On Linux the list of children is better than a lifeline.
func newLifeline() (*lifeline, error) { return nil, nil }
