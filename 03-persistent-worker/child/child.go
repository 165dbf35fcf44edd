// Package child starts a program, watches it, stops it and cleans up behind it.
// From here on it is the only place in the course that does so.
//
// To start a process is one call. The work is in how it ends: by itself, by a
// crash, by a signal, because we want it to, because we ourselves die; with
// children of its own, with its last words still in a pipe. [Start] takes an
// [exec.Cmd] as you know it and adds what that does not do.
//
// Guarantees. Everything that the program has written before its end is there
// when its end is published ([Child.Done]). Whatever it has started ends with it:
// the program lives in a process group of its own, and the group is killed when
// the program ends. It does not outlive this process, however that ends, by more
// than a second. Every program that was started is waited for, so there are no
// zombies. A signal never reaches a stranger who got the number of a dead one.
//
// Limits. A descendant that leaves the group, with setsid or as a daemon, is
// beyond reach. On Windows there are no process groups: there only the program
// itself is stopped, and it learns of our end by the end of its input.
package child

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/02-selector-timeout/selector"
)

const (
	// DefaultGrace is how long a program has to leave when it is told to.
	DefaultGrace = 2 * time.Second
	// DefaultTail is how many bytes of its output are kept, from the end.
	DefaultTail = 64 << 10
)

// Options say what is to happen with a program. The zero value is useful.
type Options struct {
	// Name is what errors call it; empty means the last part of its path.
	Name string

	// Channel, if not nil, becomes descriptor 3 of the program, see pipe.Conn.Give.
	// Start closes it here, whatever happens: there must be no second copy.
	Channel *pipe.Conn

	// HangUp, if not nil, tells the program that nothing more will come, by
	// closing the end that it reads from. It is the first thing that Stop does.
	HangUp func()

	// Gone, if not nil, is called when the program and its group are dead, before
	// Done. What it has sent is in its channel, all of it, and nothing more will
	// come: the place to make readers look once more and not wait.
	Gone func()

	// Grace is how long Stop is polite; 0 means DefaultGrace, negative not at all.
	Grace time.Duration

	// Tail is how many bytes of stderr and of captured stdout are kept, from the
	// end; 0 means DefaultTail, negative none.
	Tail int

	// StderrFile, if not empty, is a file to which all of stderr is appended.
	StderrFile string

	// TempDir, if not empty, is a directory that is removed when the program has
	// ended, or when we have. It is made, for this user alone, if it is not there.
	TempDir string

	// CPUs, if not empty, are the numbers of the processors that the program may
	// use, from its first instruction on. [errors.ErrUnsupported] where the system
	// has no such thing; it is Linux that has.
	CPUs []int

	// WatchesLifeline says that the program calls [WatchLifeline]. It gets the
	// lifeline as descriptor 4 then, and needs no guardian.
	WatchesLifeline bool
}

// A Child is a program that was started. All methods are safe for concurrent use.
type Child struct {
	name string
	cmd  *exec.Cmd
	o    Options

	exited         *selector.Exited // ready when it has ended; nil where there is no such thing
	group          group            // it and its descendants
	stdout, stderr *capture         // nil: not captured

	mu     sync.Mutex
	reaped bool         // from now on its number may belong to a stranger
	source syscall.Conn // see SyscallConn

	stopping sync.Once
	done     chan struct{}
	died     *DiedError // valid when done is closed
}

// Start starts the command and watches it until its end. cmd must not be used
// any more afterwards; do not call its Wait. All its fields count, with these
// additions: stderr is captured on its way to cmd.Stderr (nil: to nowhere), and
// stdout is captured too, on its way to cmd.Stdout, unless that is a file, which
// the program then gets as it is. cmd.ExtraFiles begin at descriptor 5,
// since 3 is the channel and 4 the lifeline. Do not give it a terminal as stdin:
// it is not in the foreground group, and the kernel stops it when it reads.
//
// It may be called from any goroutine, at any time. "Text file busy", which is
// what the start of a file that has just been written can say, is tried again
// for a second. Any other error is that of [exec.Cmd.Start], with the name.
func Start(cmd *exec.Cmd, o Options) (*Child, error) {
	if o.Name == "" {
		o.Name = filepath.Base(cmd.Path)
	}
	c := &Child{name: o.Name, cmd: cmd, o: o, done: make(chan struct{})}
	if err := c.start(); err != nil {
		c.abandon()
		return nil, fmt.Errorf("%q: start: %w", c.name, err)
	}
	go c.watch()
	return c, nil
}

func (c *Child) start() error {
	if c.cmd.Err != nil {
		return c.cmd.Err // the program was not found
	}
	var file io.WriteCloser
	if c.o.StderrFile != "" {
		// Appended, or the next run would erase why this one has crashed.
		f, err := os.OpenFile(c.o.StderrFile, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
		if err != nil {
			return err
		}
		file = f
	}
	var err error
	forward := c.cmd.Stderr
	if c.stderr, err = newCapture(c.o.Tail, forward, file); err != nil {
		return err
	}
	c.cmd.Stderr = c.stderr.w
	if _, file := c.cmd.Stdout.(*os.File); !file {
		if c.stdout, err = newCapture(c.o.Tail, c.cmd.Stdout, nil); err != nil {
			return err
		}
		c.cmd.Stdout = c.stdout.w
	}
	if c.cmd.WaitDelay == 0 {
		// A descendant that got away may hold the other end of a pipe for ever.
		c.cmd.WaitDelay = time.Second
	}
	if err := c.giveDescriptors(); err != nil {
		return err
	}
	// Watch from the first moment: the group and the lifeline are there before
	// the program is.
	if err := c.group.prepare(c); err != nil {
		return err
	}
	// Not before: now somebody is there to remove it if we are killed.
	if err := c.makeTempDir(); err != nil {
		return err
	}
	if err := startBusy(c.cmd, c.o.CPUs...); err != nil {
		return err
	}
	c.group.started(c)
	c.closeTheirs()
	// If this fails, it is nil; the program runs and is watched by wait alone.
	c.exited, _ = selector.Exit(c.cmd.Process)
	c.stderr.begin()
	c.stdout.begin()
	return nil
}

// giveDescriptors puts the channel at 3, leaves 4 to the lifeline, and lets the
// caller's own follow.
func (c *Child) giveDescriptors() error {
	theirs := c.cmd.ExtraFiles
	c.cmd.ExtraFiles = nil
	if c.o.Channel != nil {
		c.o.Channel.Give(c.cmd)
		if c.cmd.Err != nil {
			return c.cmd.Err
		}
	}
	lifeline, err := c.group.lifeline(c)
	if err != nil {
		return err
	}
	if lifeline == nil && len(theirs) == 0 {
		return nil
	}
	for len(c.cmd.ExtraFiles) < 1 {
		c.cmd.ExtraFiles = append(c.cmd.ExtraFiles, nil) // a hole: 3 is not open there
	}
	c.cmd.ExtraFiles = append(append(c.cmd.ExtraFiles, lifeline), theirs...)
	return nil
}

// closeTheirs closes the child's ends of everything, in this process.
func (c *Child) closeTheirs() {
	if c.o.Channel != nil {
		_ = c.o.Channel.Close()
	}
	c.stdout.closeTheirs()
	c.stderr.closeTheirs()
	c.group.closeTheirs()
}

// abandon takes back a start that has failed half-way.
func (c *Child) abandon() {
	c.closeTheirs()
	c.stdout.abandon()
	c.stderr.abandon()
	c.group.end()
	c.removeTempDir()
}

func (c *Child) makeTempDir() error {
	if c.o.TempDir == "" {
		return nil
	}
	if err := os.Mkdir(c.o.TempDir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}

func (c *Child) removeTempDir() {
	if c.o.TempDir != "" {
		_ = os.RemoveAll(c.o.TempDir) // a file that cannot be removed is no reason to fail
	}
}

// Name returns the name from the options.
func (c *Child) Name() string { return c.name }

// PID returns the number of the process. It is for messages: after Done it may
// belong to a stranger.
func (c *Child) PID() int { return c.cmd.Process.Pid }

// Done returns a channel that is closed when the program has ended, has been
// waited for, and everything that it has written is there.
func (c *Child) Done() <-chan struct{} { return c.done }

// Died returns how the program has ended, exit status 0 included; nil as long as
// Done is not closed.
func (c *Child) Died() *DiedError {
	select {
	case <-c.done:
		return c.died
	default:
		return nil
	}
}

// Stderr returns the end of what the program has written to stderr.
func (c *Child) Stderr() string { return c.stderr.text() }

// Stdout returns the end of what it has written to stdout, if that is captured.
func (c *Child) Stdout() string { return c.stdout.text() }

// SyscallConn makes a Child a [selector.Source]: it is ready when the program has
// ended. The descriptor is made by the first call and freed when the garbage
// collector finds the Child unused: nobody can know when the last wait is over.
func (c *Child) SyscallConn() (syscall.RawConn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.source != nil {
		return c.source.SyscallConn()
	}
	if !c.reaped {
		e, err := selector.Exit(c.cmd.Process)
		if err != nil {
			return nil, fmt.Errorf("%q: wait for its end: %w", c.name, err)
		}
		c.source = e
		return e.SyscallConn()
	}
	// Dead and buried. A pipe that nobody can write to is readable for ever.
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	c.source = r
	_ = w.Close()
	return r.SyscallConn()
}

// Buffered returns 0; see [selector.Source].
func (c *Child) Buffered() int { return 0 }
