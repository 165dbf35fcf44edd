package kit

import (
	"bytes"
	"fmt"
	"os/exec"
	"sync"
	"time"
)

// A Program is a process that a check has started, with all its descendants.
type Program struct {
	Name  string // what messages call it
	PID   int
	Ended <-chan struct{} // closed when the process itself has ended and been waited for

	cmd    *exec.Cmd
	output *capped
	before map[int]bool // children that this process had already
	mu     sync.Mutex
	names  map[int]string
}

// Start starts the command in a process group of its own, with its output
// captured. When the trial is over it is killed with all its descendants.
func (t *Trial) Start(name string, cmd *exec.Cmd) *Program {
	p := &Program{Name: name, cmd: cmd, output: &capped{}, names: map[int]string{}}
	if cmd.Stdout == nil {
		cmd.Stdout = p.output
	}
	cmd.Stderr = p.output
	cmd.Dir = t.Dir
	cmd.WaitDelay = time.Second // a descendant may hold the output open
	ownGroup(cmd)
	p.before = childrenOfOurs()
	start := cmd.Start
	if len(t.confine) > 0 {
		start = func() error { return startConfined(cmd, t.confine) }
	}
	if err := start(); err != nil {
		t.Failf("cannot start %s: %v", name, err)
	}
	p.PID = cmd.Process.Pid
	p.Call(p.PID, name)
	ended := make(chan struct{})
	p.Ended = ended
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		killTree(cmd.Process)
		<-ended
		reapStrays(p.before)
	})
	return p
}

// Call gives a descendant the name that messages use.
func (p *Program) Call(pid int, name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.names[pid] = name
}

// Output is what the program has printed so far, ready to be shown.
func (p *Program) Output() string { return Quote(p.output.String()) }

// Ending says how the process has ended.
func (p *Program) Ending() string {
	select {
	case <-p.Ended:
		return p.cmd.ProcessState.String()
	default:
		return "still running"
	}
}

// Success reports whether the process has ended with exit status 0.
func (p *Program) Success() bool {
	select {
	case <-p.Ended:
		return p.cmd.ProcessState.Success()
	default:
		return false
	}
}

// capped keeps the beginning of an output and forgets the rest, so that a
// flood fills neither a pipe nor the memory.
type capped struct {
	mu   sync.Mutex
	kept bytes.Buffer
	lost int
}

func (c *capped) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	room := max(64<<10-c.kept.Len(), 0)
	c.kept.Write(p[:min(room, len(p))])
	c.lost += max(len(p)-room, 0)
	return len(p), nil
}

func (c *capped) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lost > 0 {
		return fmt.Sprintf("%s\n… and %d more bytes", c.kept.String(), c.lost)
	}
	return c.kept.String()
}

const (
	// stillness is how long nothing may move before it counts as a hang.
	stillness = time.Second
	// patience ends what moves and does not get anywhere. It is generous: the
	// machine may be slow.
	patience = 60 * time.Second
	// enoughWork is how long a program may compute, in time of the processors, which
	// does not depend on what else the machine has to do.
	enoughWork = 3 * time.Second
)

// A workWatch sees what a program does while it is waited for.
type workWatch struct {
	looked bool
	cpu    time.Duration
	sleeps int
}

// since returns for how long the program has computed, and how often it has gone to sleep, since
// the first look.
func (w *workWatch) since(p *Program) (cpu time.Duration, sleeps int) {
	cpu, sleeps = p.Usage()
	if !w.looked {
		*w = workWatch{true, cpu, sleeps}
	}
	return cpu - w.cpu, sleeps - w.sleeps
}

// Await waits for a value that the program, or one of its descendants, owes. If
// all of them wait for something and nothing moves any more, or if it takes
// forever, or only computes, the trial fails with what it was for and an autopsy: who
// is alive, where it waits, and who holds the other end.
//
// A hang is no matter of the clock here: every thread of every process sleeps,
// and none has run since the last look. A slow machine does not look like that.
func Await[T any](t *Trial, p *Program, from <-chan T, what string) T {
	var still stillWatch
	var work workWatch
	var over int // how many looks ago everything had ended
	limit := time.After(patience)
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case v := <-from:
			return v
		case <-look.C:
			// What the dead have sent is read by now, unless this machine is very slow.
			over = p.oneMore(over)
			ended, hangs := over > 3, still.since(p) >= stillness
			if !ended && !hangs {
				if cpu, _ := work.since(p); cpu > enoughWork {
					t.Failf("%s\nIt has kept the processor busy for %v: there is a loop that does not wait. Still there:\n%s", what, enoughWork, p.autopsy())
				}
				continue
			}
			// It may have come in the very last moment.
			select {
			case v := <-from:
				return v
			default:
			}
			if ended {
				t.Failf("%s\nIt cannot come any more: %s has ended (%s), and all that it had started. It has printed:\n%s", what, p.Name, p.Ending(), p.Output())
			}
			t.Failf("%s\nNothing moves any more. Still there:\n%s", what, p.autopsy())
		case <-limit:
			t.Failf("%s\nIt has taken %v. Still there:\n%s", what, patience, p.autopsy())
		}
	}
}

// oneMore counts one more if the program has ended, with all that it has started.
func (p *Program) oneMore(over int) int {
	select {
	case <-p.Ended:
		if Observes() && len(p.Descendants())+len(p.Strays()) == 0 {
			return over + 1
		}
	default:
	}
	return 0
}
