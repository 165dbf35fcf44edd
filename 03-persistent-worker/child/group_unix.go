//go:build unix

package child

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// A group is a program with everything that it has started: a process group, see
// setpgid(2). One signal reaches them all, without our knowing their numbers.
//
// The group must also end when we do, also if we are killed and can do nothing
// any more. What the kernel does for a dead process is to close what it had open.
// So there is a lifeline: a pipe whose writing end only we have. Somebody in the
// group reads it, and when it ends, he kills the group. A Go program does that
// itself ([WatchLifeline]). For any other program there is a guardian: a line of
// sh, which leads the group that the program is put into. It is started first,
// so that there is no moment without it.
//
// Beside that the kernel sends the program a signal at our end (Linux only): it is
// quicker, but reaches only the program itself, see pdeathsig_linux.go.
type group struct {
	id       int // of the process group; as long as its leader is not reaped, it is ours
	guardian *exec.Cmd
	r, w     *os.File // the lifeline
	oom      oomWatch
}

// The guardian waits for the end of its input, and then ends the group: politely,
// since he does not hear SIGTERM himself, then for good. In between it removes
// the program's directory, which nobody else is left to do.
const guardianScript = `trap '' HUP INT TERM
read line
if [ -n "$1" ]; then kill -TERM 0; rm -rf -- "$1"; fi
kill -KILL 0`

// lifelineVariable tells the program which descriptor its lifeline is.
const lifelineVariable = "MULTIPROCESSING_LIFELINE"

// lifeline makes the lifeline and returns what the program gets of it.
func (g *group) lifeline(c *Child) (*os.File, error) {
	var err error
	if g.r, g.w, err = os.Pipe(); err != nil {
		return nil, err
	}
	if !c.o.WatchesLifeline {
		return nil, nil
	}
	if c.cmd.Env == nil {
		c.cmd.Env = os.Environ()
	}
	c.cmd.Env = append(c.cmd.Env, lifelineVariable+"=4")
	return g.r, nil
}

// prepare starts the guardian and has the command put into the group.
func (g *group) prepare(c *Child) error {
	g.oom.begin()
	attr := &syscall.SysProcAttr{}
	if c.cmd.SysProcAttr != nil {
		*attr = *c.cmd.SysProcAttr // the caller's own stays as it is
	}
	c.cmd.SysProcAttr = attr
	dieWithParent(attr, c.o.WatchesLifeline)
	if attr.Setsid {
		return nil // a session of its own has a group of its own
	}
	attr.Setpgid = true
	if c.o.WatchesLifeline {
		return nil // the program leads the group
	}
	sh, err := exec.LookPath("sh")
	if err != nil {
		sh = "/bin/sh" // there is a PATH without it
	}
	g.guardian = exec.Command(sh, "-c", guardianScript, "guardian of "+c.name, c.o.TempDir)
	g.guardian.Stdin = g.r
	g.guardian.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := startBusy(g.guardian); err != nil {
		g.guardian = nil
		return fmt.Errorf("the guardian: %w", err)
	}
	g.id = g.guardian.Process.Pid
	attr.Pgid = g.id
	return nil
}

func (g *group) started(c *Child) {
	if g.id == 0 {
		g.id = c.cmd.Process.Pid
	}
	if c.o.WatchesLifeline {
		_ = killWithLifeline(int(g.r.Fd()), c.cmd.Process.Pid) // if it cannot, the program sees to it
	}
}

func (g *group) closeTheirs() {
	if g.r != nil {
		_ = g.r.Close()
	}
}

// kill and terminate may be called only while the leader is not reaped.
func (g *group) kill(*os.Process) {
	if g.id != 0 {
		_ = unix.Kill(-g.id, unix.SIGKILL)
	}
}

func (g *group) terminate(*os.Process) {
	if g.id != 0 {
		_ = unix.Kill(-g.id, unix.SIGTERM)
	}
}

// end ends the guardian, with all that may be left of the group, and the lifeline.
func (g *group) end() {
	if g.guardian != nil {
		g.kill(nil) // he is not reaped, so the group is still ours
		_ = g.guardian.Wait()
		g.guardian = nil
	}
	g.closeTheirs()
	if g.w != nil {
		_ = g.w.Close()
	}
}

func (g *group) outOfMemory() bool { return g.oom.happened() }

// WatchLifeline makes this program end, with its whole process group, when its
// parent does. It is for a Go program that is started with
// Options.WatchesLifeline; call it first thing in main. It returns at once;
// [ErrNotWatched] if there is no lifeline.
//
// The group is killed only if this program leads it, as it does when package
// child has started it.
func WatchLifeline() error {
	value := os.Getenv(lifelineVariable)
	if value == "" {
		return ErrNotWatched
	}
	_ = os.Unsetenv(lifelineVariable) // it is not meant for our children
	fd, err := strconv.Atoi(value)
	if err != nil || fd < 3 {
		return fmt.Errorf("%w: %s=%q", ErrNotWatched, lifelineVariable, value)
	}
	unix.CloseOnExec(fd) // and neither is this
	if err := unix.Fstat(fd, new(unix.Stat_t)); err != nil {
		return fmt.Errorf("%w: %w", ErrNotWatched, err)
	}
	watch(fd)
	return nil
}

func watchLifeline(lifeline int) {
	// A thread of its own sits here in read(2): it runs even when all others
	// are busy and never call into the runtime.
	_, _ = os.NewFile(uintptr(lifeline), "lifeline").Read(make([]byte, 1))
	endWithGroup()
}

func endWithGroup() {
	if unix.Getpgrp() == os.Getpid() {
		_ = unix.Kill(0, unix.SIGKILL)
	}
	os.Exit(1)
}

func maxRSS(usage any) int64 {
	u, ok := usage.(*syscall.Rusage)
	if !ok || u == nil {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return int64(u.Maxrss) // bytes there, KiB elsewhere
	}
	return int64(u.Maxrss) << 10
}
