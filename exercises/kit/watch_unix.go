//go:build unix

package kit

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// What every Unix shows about processes: who is whose child, and in which state.
// Where it comes from stands in processes_linux.go and processes_ps.go.

type process struct {
	pid, parent int
	state       byte // of the main thread: R runs, S sleeps, Z zombie, T stopped, D in the disk
	name        string
}

// tree returns the process and all its descendants, parents first and children
// by name: a pool starts its workers side by side, so their pids come in any order,
// and pids begin again from the bottom one day.
func tree(root int) []process {
	all := processes()
	var found []process
	if p, ok := all[root]; ok {
		found = append(found, p)
	}
	byName := slices.SortedFunc(maps.Values(all), func(a, b process) int {
		// worker-10 comes after worker-9.
		return cmp.Or(cmp.Compare(len(a.name), len(b.name)), cmp.Compare(a.name, b.name), cmp.Compare(a.pid, b.pid))
	})
	for i := 0; i < len(found); i++ {
		for _, p := range byName {
			if p.parent == found[i].pid {
				found = append(found, p)
			}
		}
	}
	return found
}

// Descendants returns the pids of all descendants, zombies included.
func (p *Program) Descendants() []int {
	var pids []int
	for _, d := range tree(p.PID) {
		if d.pid != p.PID {
			pids = append(pids, d.pid)
		}
	}
	return pids
}

// Describe says what a descendant is and what it is doing.
func (p *Program) Describe(pid int) string {
	all := tree(p.PID)
	for _, d := range all {
		if d.pid == pid {
			return p.describe(d, all)
		}
	}
	return fmt.Sprintf("pid %d, which has ended", pid)
}

// stillWatch measures for how long no thread of the program's tree has run.
type stillWatch struct {
	last  string
	began time.Time
}

func (w *stillWatch) since(p *Program) time.Duration {
	now, sleeping := p.movement()
	if !sleeping || now != w.last || w.began.IsZero() {
		w.last, w.began = now, time.Now()
	}
	return time.Since(w.began)
}

// autopsy says of each process of the tree where it waits and, if it waits for a
// pipe, who holds the other end. It ends the program.
func (p *Program) autopsy() string {
	all := tree(p.PID)
	var b strings.Builder
	for _, proc := range all {
		fmt.Fprintf(&b, "    %s\n", p.describe(proc, all))
	}
	// The runtime prints all goroutines when it gets SIGQUIT.
	_ = p.cmd.Process.Signal(syscall.SIGQUIT)
	for range 500 {
		if proc, alive := processes()[p.PID]; !alive || proc.state == 'Z' {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	// Its children hold its output open, and are orphans now.
	others := maps.Clone(p.before)
	others[p.PID] = true
	reapStrays(others)
	select {
	case <-p.Ended:
	case <-time.After(5 * time.Second):
	}
	if where := whereInAnswer(p.output.String()); where != "" {
		fmt.Fprintf(&b, "    Your code waits at %s\n", where)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

var inAnswer = regexp.MustCompile(`\n(\S*/answer\.\S+)\(.*\)\n\t.*/(answer\.go:\d+)`)

// whereInAnswer finds the goroutine that waits in the learner's code, and the
// call in which it waits.
func whereInAnswer(dump string) string {
	// The goroutine that the driver waits for says more than those that the
	// learner's code has started beside it.
	stanzas := strings.Split(dump, "\n\n")
	slices.SortStableFunc(stanzas, func(a, b string) int {
		return cmp.Compare(strings.Count(b, "\nmain."), strings.Count(a, "\nmain."))
	})
	for _, stanza := range stanzas {
		m := inAnswer.FindStringSubmatchIndex("\n" + stanza)
		if m == nil || !strings.HasPrefix(strings.TrimSpace(stanza), "goroutine ") {
			continue
		}
		text := "\n" + stanza
		before := strings.Split(strings.TrimSpace(text[:m[0]]), "\n")
		call := ""
		if len(before) >= 3 { // head, and two lines for each call
			call = before[len(before)-2]
			call = call[:strings.LastIndexByte(call, '(')]
		}
		function := text[m[2]:m[3]]
		where := fmt.Sprintf("%s, in %s", text[m[4]:m[5]], function[strings.LastIndexByte(function, '/')+1:])
		if call != "" {
			where += ", which has called " + call
		}
		return where
	}
	return ""
}

func (p *Program) describe(proc process, all []process) string {
	who := p.who(proc)
	switch proc.state {
	case 'Z':
		return fmt.Sprintf("%s has ended, and its parent has not waited for it: a zombie", who)
	case 'T', 't':
		return who + " is stopped by a signal"
	}
	return who + " " + p.waitsFor(proc, all)
}

func (p *Program) who(proc process) string {
	if name := p.nameOf(proc.pid); name != "" {
		return fmt.Sprintf("%s (pid %d)", name, proc.pid)
	}
	return fmt.Sprintf("%q (pid %d)", proc.name, proc.pid)
}

func (p *Program) nameOf(pid int) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.names[pid]
}

func ownGroup(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
}

// killTree ends a process of ours and its descendants.
func killTree(root *os.Process) {
	killDescendants(root.Pid)
	_ = root.Kill()
}

func killDescendants(pid int) {
	for range 10 { // while we kill some, others are born
		alive := false
		for _, d := range tree(pid) {
			if d.pid != pid && d.state != 'Z' {
				alive = true
				_ = unix.Kill(d.pid, unix.SIGKILL)
			}
		}
		if !alive {
			return
		}
	}
}

// childrenOfOurs are the children of this very process.
func childrenOfOurs() map[int]bool {
	found := map[int]bool{}
	for pid, p := range processes() {
		if p.parent == os.Getpid() {
			found[pid] = true
		}
	}
	return found
}

// reapStrays ends descendants whose own parent has died, and which we have
// inherited (leaktest makes us a subreaper), and takes their exit statuses.
func reapStrays(before map[int]bool) {
	for range 100 {
		none := true
		for pid := range childrenOfOurs() {
			if before[pid] {
				continue
			}
			none = false
			killDescendants(pid)
			// Safe by number: it is our child, so the number is its own until
			// we have waited for it.
			_ = unix.Kill(pid, unix.SIGKILL)
			_, _ = unix.Wait4(pid, nil, 0, nil)
		}
		if none {
			return
		}
	}
}

// Strays returns descendants of the program that have outlived their own
// parents, as a daemon does.
func (p *Program) Strays() []string {
	var found []string
	for pid, proc := range processes() {
		if proc.parent == os.Getpid() && pid != p.PID && !p.before[pid] && proc.state != 'Z' {
			found = append(found, p.who(proc))
		}
	}
	return found
}
