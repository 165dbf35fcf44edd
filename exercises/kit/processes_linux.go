//go:build linux && !kitps

package kit

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// What Linux shows about other processes, see proc(5). The tag kitps chooses the
// way of the other systems instead, so that it can be tested here.

func processes() map[int]process {
	found := map[int]process{}
	for _, name := range entries("/proc") {
		if name[0] < '0' || name[0] > '9' {
			continue
		}
		if p, ok := readStat("/proc/" + name + "/stat"); ok {
			found[p.pid] = p
		}
	}
	return found
}

// entries returns the names in a folder, or none. (filepath.Glob does so too, and reads every
// folder on its way: for /proc/*/stat that is four times the work.)
func entries(dir string) []string {
	f, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer f.Close()
	names, _ := f.Readdirnames(-1)
	return names
}

// threads returns the folders of a process's threads.
func threads(pid int) (folders []string) {
	task := fmt.Sprintf("/proc/%d/task/", pid)
	for _, name := range entries(task) {
		folders = append(folders, task+name)
	}
	return folders
}

func readStat(file string) (process, bool) {
	text, err := os.ReadFile(file)
	if err != nil {
		return process{}, false // it has ended meanwhile
	}
	// "pid (name) state parent …", and the name may hold anything.
	open, end := strings.IndexByte(string(text), '('), strings.LastIndexByte(string(text), ')')
	if open < 0 || end < open {
		return process{}, false
	}
	fields := strings.Fields(string(text[end+1:]))
	pid, err := strconv.Atoi(strings.TrimSpace(string(text[:open])))
	if err != nil || len(fields) < 2 {
		return process{}, false
	}
	parent, _ := strconv.Atoi(fields[1])
	return process{pid, parent, fields[0][0], string(text[open+1 : end])}, true
}

// Descriptors returns what the process itself has open: number → target.
func (p *Program) Descriptors() map[string]string {
	found := map[string]string{}
	links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", p.PID))
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil {
			found[filepath.Base(link)] = target
		}
	}
	return found
}

// Executable returns what a process runs, to tell the helper that it claims to
// be from something else.
func Executable(pid int) string {
	target, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	return target
}

// Observes reports whether this system shows what other processes do.
func Observes() bool { return true }

// PeakMemory returns the most memory that the process has had, in bytes.
func (p *Program) PeakMemory() int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID))
	if m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(text); m != nil {
		kib, _ := strconv.ParseInt(string(m[1]), 10, 64)
		return kib << 10
	}
	return 0
}

// movement is a text that changes whenever any thread of the tree runs, and
// whether all of them sleep.
func (p *Program) movement() (text string, sleeping bool) {
	var b strings.Builder
	for _, proc := range tree(p.PID) {
		for _, task := range threads(proc.pid) {
			thread, ok := readStat(task + "/stat")
			if !ok || strings.IndexByte("SZTtXI", thread.state) < 0 {
				return "", false // it runs, or is about to
			}
			// Time on the processor, time waiting for one, and how often.
			ran, err := os.ReadFile(task + "/schedstat")
			if err != nil {
				return "", false // cannot tell; only the time limit is left
			}
			fmt.Fprintf(&b, "%s %s", task, ran)
		}
	}
	return b.String(), true
}

// waitsFor finds the system call in which a thread of the process sleeps, if none runs. The
// threads come in any order and often one of them waits to read whatever happens (a
// lifeline, say), so a write that cannot go on is the first thing to tell, and of
// several reads it is the one of the lowest descriptor.
func (p *Program) waitsFor(proc process, all []process) string {
	best := "waits for something else (a timer, the network, another thread)"
	var awaited []string // every thread may wait for another child
	reads := -1
	for _, task := range threads(proc.pid) {
		text, err := os.ReadFile(task + "/syscall")
		if err != nil {
			continue
		}
		var number, first, second int64
		fields := strings.Fields(string(text))
		if len(fields) > 0 && fields[0] == "running" {
			return "computes"
		}
		if len(fields) < 3 {
			continue
		}
		number, _ = strconv.ParseInt(fields[0], 0, 64)
		first, _ = strconv.ParseInt(fields[1], 0, 64)
		second, _ = strconv.ParseInt(fields[2], 0, 64)
		switch number {
		case unix.SYS_READ, unix.SYS_READV, unix.SYS_RECVFROM, unix.SYS_RECVMSG:
			if reads < 0 || int(first) < reads {
				reads = int(first)
			}
		case unix.SYS_WRITE, unix.SYS_WRITEV, unix.SYS_SENDTO, unix.SYS_SENDMSG:
			return "waits to write " + p.descriptor(proc, int(first), all, unix.O_RDONLY)
		case unix.SYS_FLOCK:
			path, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", proc.pid, first))
			best = "waits for the lock of " + filepath.Base(path)
		case unix.SYS_WAITID:
			awaited = append(awaited, p.awaited(proc, first, second, all))
		case unix.SYS_WAIT4:
			best = "waits for a child to end"
		}
	}
	if reads >= 0 {
		return "waits to read " + p.descriptor(proc, reads, all, unix.O_WRONLY)
	}
	if len(awaited) > 0 {
		slices.Sort(awaited) // the threads come in any order
		return "waits for " + strings.Join(slices.Compact(awaited), ", ") + " to end"
	}
	return best
}

// awaited names the process that waitid(2) waits for, which Go names by a
// descriptor.
func (p *Program) awaited(proc process, kind, id int64, all []process) string {
	pid := int(id)
	if kind == unix.P_PIDFD {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%d", proc.pid, id))
		m := regexp.MustCompile(`(?m)^Pid:\s+(\d+)$`).FindSubmatch(text)
		if m == nil {
			return "a child"
		}
		pid, _ = strconv.Atoi(string(m[1]))
	}
	for _, other := range all {
		if other.pid == pid {
			return p.who(other)
		}
	}
	return fmt.Sprintf("pid %d", pid)
}

// descriptor says what is behind a descriptor and, if it is a pipe, who holds
// the ends of the other kind.
func (p *Program) descriptor(proc process, fd int, all []process, otherEnd int) string {
	target, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", proc.pid, fd))
	what := map[int]string{0: "its stdin", 1: "its stdout", 2: "its stderr"}[fd]
	if what == "" {
		what = fmt.Sprintf("descriptor %d", fd)
	}
	switch {
	case strings.HasPrefix(target, "pipe:"):
	case strings.HasPrefix(target, "socket:"):
		return what + ", a socket"
	default:
		return what + ", " + target
	}
	var holders []string
	for _, other := range all {
		links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", other.pid))
		for _, link := range links {
			if t, err := os.Readlink(link); err != nil || t != target {
				continue
			}
			number := filepath.Base(link)
			if accessMode(other.pid, number) == otherEnd {
				holders = append(holders, fmt.Sprintf("%s, descriptor %s", p.who(other), number))
			}
		}
	}
	which, state := "writing", "it is empty"
	if otherEnd == unix.O_RDONLY {
		which, state = "reading", "it is full"
	}
	if len(holders) == 0 {
		return fmt.Sprintf("%s, a pipe; %s, and none of these processes has its %s end", what, state, which)
	}
	return fmt.Sprintf("%s, a pipe; %s, and its %s end is open in:\n        %s", what, state, which, strings.Join(holders, "\n        "))
}

func accessMode(pid int, fd string) int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%s", pid, fd))
	if m := regexp.MustCompile(`(?m)^flags:\s+(\d+)$`).FindSubmatch(text); m != nil {
		flags, _ := strconv.ParseInt(string(m[1]), 8, 64)
		return int(flags) & unix.O_ACCMODE
	}
	return -1
}

var voluntary = regexp.MustCompile(`(?m)^voluntary_ctxt_switches:\s+(\d+)$`)

// Usage returns how long the processors have worked for the process so far, and
// how often one of its threads has gone to sleep.
func (p *Program) Usage() (cpu time.Duration, sleeps int) {
	for _, task := range threads(p.PID) {
		text, _ := os.ReadFile(task + "/schedstat")
		if fields := strings.Fields(string(text)); len(fields) > 0 {
			ns, _ := strconv.ParseInt(fields[0], 10, 64)
			cpu += time.Duration(ns)
		}
		text, _ = os.ReadFile(task + "/status")
		if m := voluntary.FindSubmatch(text); m != nil {
			n, _ := strconv.Atoi(string(m[1]))
			sleeps += n
		}
	}
	return cpu, sleeps
}

// residentMemory is in bytes, see proc_pid_statm(5).
func residentMemory(pid int) int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0 // it has ended
	}
	pages, _ := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize())
}
