package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"time"

	"example.com/multiprocessing/01-pipes/leaktest"
	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/03-persistent-worker/child"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/exercises/kit"
)

// A job is an answer to mark.
type job struct {
	Exercise string
	File     string // absolute
	Helpers  string // folder with what the checks need, for this job alone; empty: it is built
	Check    string // empty: all of them
	Confine  bool   // to the temporary folder, see kit.Marking.Confine
}

// news is what the marker says, one after the other.
type news struct {
	Kind    string
	Check   string
	Passed  bool
	Message string
}

const (
	isRefused   = "refused"          // Message says why
	isBroken    = "does not compile" // Message is what the compiler has said
	isUntouched = "not attempted"
	isVerdict   = "verdict"
	isEnd       = "end" // all checks were run
)

// marker marks an answer in a process of its own: whatever the answer does to whoever marks
// it, this program lives on. What it finds goes through a socket that nobody else can open.
var marker = process.Service("marker", func(ctx context.Context, j job, front *pipe.Conn) error {
	signal.Reset(os.Interrupt) // processes ignore it, and the answer's programs would inherit that
	if err := leaktest.AdoptOrphans(); err != nil {
		return err
	}
	tell := func(n news) error { return pipe.Send(front, n) }
	e, err := find(j.Exercise)
	if err != nil {
		return err
	}
	m, err := kit.Prepare(e, j.File, j.Helpers)
	if refusal, ok := errors.AsType[*kit.Refusal](err); ok {
		return tell(news{Kind: isRefused, Message: refusal.Reason})
	}
	if broken, ok := errors.AsType[*kit.BuildError](err); ok {
		return tell(news{Kind: isBroken, Message: broken.Output})
	}
	if err != nil {
		return err
	}
	defer m.Close()
	if j.Confine {
		m.Confine(os.TempDir())
	}
	if attempted, err := m.Attempted(); err == nil && !attempted {
		return tell(news{Kind: isUntouched})
	}
	for _, check := range e.Checks {
		if j.Check != "" && j.Check != check.Name {
			continue
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		v := m.Check(check)
		if err := tell(news{Kind: isVerdict, Check: check.Name, Passed: v.Passed, Message: v.Text()}); err != nil {
			return err
		}
	}
	return tell(news{Kind: isEnd})
})

// Limits are for one answer.
type limits struct {
	time      time.Duration
	memory    int64 // bytes, of all its processes together
	processes int
}

// starting is held while a process is started, and while strays are ended: a process that has
// just begun must not be taken for one.
var starting sync.Mutex

var markers = map[int]bool{} // those that are alive; guarded by starting

// mark has an answer marked, and hands all news to say. If the answer takes more than the
// limits allow, it is ended, and the error says so. When mark returns, nothing of the answer
// is left: no process and no file.
func (c *course) mark(ctx context.Context, j job, env []string, l limits, say func(news)) (err error) {
	dir, remove, err := temporary()
	if err != nil {
		return err
	}
	defer remove()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	env = append([]string{"TMPDIR=" + dir}, env...)
	p := marker.New(j, process.Config{Dir: c.root, Env: env, Stdout: io.Discard, Stderr: io.Discard, Grace: time.Second / 2})
	starting.Lock()
	if err = p.Start(); err == nil {
		markers[p.PID()] = true
	}
	starting.Unlock()
	if err != nil {
		return err
	}
	defer func() {
		if p.IsAlive() { // or its number may be a stranger's; what it has left behind is a stray
			kit.KillDescendants(p.PID())
		}
		_ = p.Kill()
		<-p.Done()
		starting.Lock()
		defer starting.Unlock()
		delete(markers, p.PID())
		kit.EndStrays(markers)
	}()
	go c.guard(ctx, cancel, p.PID(), l)
	ended := false
	for !ended {
		var n news
		if err := p.Conn().Within(ctx, func() (err error) { n, err = pipe.Receive[news](p.Conn()); return err }); err != nil {
			if cause := context.Cause(ctx); cause != nil {
				return cause
			}
			<-p.Done()
			if _, ok := errors.AsType[*child.DiedError](p.Err()); ok {
				return endError{fmt.Sprintf("the process that marks it has died: %s", p.Died().Status())}
			}
			return fmt.Errorf("the process that marks it has ended: %w", cmp.Or(p.Err(), err))
		}
		say(n)
		ended = n.Kind != isVerdict
	}
	return nil
}

// guard ends what takes too much.
func (c *course) guard(ctx context.Context, stop context.CancelCauseFunc, pid int, l limits) {
	over := time.After(l.time)
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-over:
			stop(endError{fmt.Sprintf("it was ended after %v", l.time)})
		case <-look.C:
			switch load := kit.LoadOf(pid); {
			case load.Memory > l.memory:
				stop(endError{fmt.Sprintf("it was ended: its processes have taken more than %d MiB of memory", l.memory>>20)})
			case load.Processes > l.processes:
				stop(endError{fmt.Sprintf("it was ended: it has had more than %d processes at the same time", l.processes)})
			}
		}
	}
}

// An endError says what an answer has done to end its own marking: it has gone over a limit, or
// has killed who marks it. All other errors are not its fault.
type endError struct{ text string }

func (e endError) Error() string { return e.text }

// ordinary are the limits for a learner's own answer.
var ordinary = limits{time: 10 * time.Minute, memory: 4 << 30, processes: 1000}
