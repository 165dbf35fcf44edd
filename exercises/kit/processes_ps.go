//go:build unix && (!linux || kitps)

package kit

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Without /proc, ps(1) tells who is whose child, who is a zombie, and who has
// used the processor. It does not tell what a process waits for or what it has
// open, so these are left out of messages and checks.

func processes() map[int]process {
	found := map[int]process{}
	for _, fields := range ps("pid=,ppid=,stat=,comm=") {
		pid, err := strconv.Atoi(fields[0])
		parent, err2 := strconv.Atoi(fields[1])
		if err == nil && err2 == nil {
			found[pid] = process{pid, parent, fields[2][0], strings.Join(fields[3:], " ")}
		}
	}
	return found
}

// ps returns the fields of all processes but of ps itself.
func ps(columns string) [][]string {
	cmd := exec.Command("ps", "-axo", columns)
	out, err := cmd.Output()
	if err != nil {
		return nil
	}
	var found [][]string
	for line := range strings.Lines(string(out)) {
		if fields := strings.Fields(line); len(fields) > 3 && fields[0] != strconv.Itoa(cmd.Process.Pid) {
			found = append(found, fields)
		}
	}
	return found
}

func (p *Program) movement() (text string, sleeping bool) {
	used := map[string]string{}
	for _, fields := range ps("pid=,time=,stat=,comm=") {
		used[fields[0]] = fields[1]
	}
	var b strings.Builder
	for _, proc := range tree(p.PID) {
		if strings.IndexByte("SZTIU", proc.state) < 0 {
			return "", false
		}
		fmt.Fprintf(&b, "%d %s\n", proc.pid, used[strconv.Itoa(proc.pid)])
	}
	return b.String(), true
}

func (p *Program) waitsFor(process, []process) string { return "is alive, and waits" }

// Descriptors returns nil here: what a process has open is not to be seen.
func (p *Program) Descriptors() map[string]string { return nil }

// PeakMemory returns 0 here.
func (p *Program) PeakMemory() int64 { return 0 }

// Executable returns "" here.
func Executable(pid int) string { return "" }

// Observes reports whether this system shows what other processes wait for.
func Observes() bool { return false }

// Usage returns zeros here.
func (p *Program) Usage() (cpu time.Duration, sleeps int) { return 0, 0 }

func residentMemory(int) int64 { return 0 }
