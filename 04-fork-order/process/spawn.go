package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/03-persistent-worker/child"
)

// spawned is a process: this same program, started again.
type spawned struct {
	p       *Process
	control *pipe.Conn
	gone    atomic.Bool // dead, with its group
	*child.Child
}

// spawn starts it. Everything that parent and child will share is there before:
// the channel, the backend's end of the service's pipe. What is made later, the
// child does not have. The goroutine that listens comes last.
func spawn(p *Process, in []byte, back *pipe.Conn) (running, error) {
	if err := supported(); err != nil {
		return nil, err
	}
	me := Current()
	if err := mayStart(me); err != nil {
		return nil, err
	}
	program, build := image(), ""
	if program != theVeryFile {
		var err error
		if build, err = buildID(); err != nil {
			return nil, err
		}
	}
	o := order{
		Protocol: protocol, Build: build, Target: p.target.name, Name: p.name, Parent: me.Name,
		Depth: me.Depth + 1, Grace: p.grace(), Log: logging(),
	}
	control, theirs, err := pipe.Pair()
	if err != nil {
		return nil, err
	}
	cmd := &exec.Cmd{
		Path:   program,
		Args:   []string{p.name}, // what ps shows
		Env:    append(environment(p.cfg.Env), processVariable+"="+strconv.Itoa(o.Depth)),
		Dir:    p.cfg.Dir,
		Stdout: p.cfg.Stdout,
		Stderr: p.cfg.Stderr,
	}
	if cmd.Stdout == nil {
		cmd.Stdout = os.Stdout
	}
	if cmd.Stderr == nil {
		cmd.Stderr = os.Stderr
	}
	if back != nil {
		back.Give(cmd)
		o.Service = serviceDescriptor
	}
	s := &spawned{p: p, control: control}
	s.Child, err = child.Start(cmd, child.Options{
		Name: p.name, Channel: theirs, Grace: p.cfg.Grace, CPUs: p.cfg.CPUs, WatchesLifeline: true,
		HangUp: s.hangUp,
		Gone: func() {
			// What it has sent is there. Who reads looks once more, and does not wait.
			s.gone.Store(true)
			s.setLimit(time.Time{})
		},
	})
	if err != nil {
		_ = control.Close()
		return nil, errors.Unwrap(err) // Start says the name
	}
	ours.add(s)
	p.log("started", "child", s.PID(), "command", cmd.Path, "args", strings.Join(cmd.Args, " "), "argument_bytes", len(in))
	go s.listen(o.text(), in)
	return s, nil
}

// listen sends the order and hears the child out. It has a goroutine of its own,
// because an argument may be longer than what the kernel keeps for the child.
func (s *spawned) listen(head, in []byte) {
	o, err := s.converse(head, in)
	if err == nil {
		s.p.answer(o)
	}
	<-s.Done()
	who := s.p.who(s.PID())
	if err != nil {
		d := s.Died()
		switch strange := (*strangeError)(nil); {
		case errors.As(err, &strange):
			err = who(fmt.Errorf("%w; it has ended: %s", err, d.Status()))
		case s.p.wasTold() && d.Signal != 0:
			err = who(aborted{newDied(d)})
		default:
			err = who(newDied(d))
		}
		s.p.answer(outcome{err: err})
	}
	select {
	case <-s.p.ready:
	default:
		close(s.p.ready)
	}
	_ = s.control.Close()
	ours.remove(s)
	s.p.finish(s.exitCode())
}

// A strangeError is something else than a process of ours at the other end.
type strangeError struct{ error }

func (e *strangeError) Unwrap() error { return e.error }

func (s *spawned) converse(head, in []byte) (outcome, error) {
	if limit := s.p.startTimeout(); limit > 0 {
		s.setLimit(time.Now().Add(limit))
	}
	err := s.control.SendFrames([][]byte{head, in})
	if errors.Is(err, pipe.ErrGone) {
		err = nil // but it may have said why
	}
	for err == nil {
		var frame []byte
		if frame, err = s.control.ReceiveFrame(); err != nil {
			break
		}
		if len(frame) == 1 && frame[0] == sayReady {
			s.setLimit(time.Time{})
			s.p.wasReady.Store(true)
			close(s.p.ready)
			continue
		}
		o, err := readOutcome(frame, s.p.who(s.PID()))
		if err != nil {
			s.Kill()
			return outcome{}, &strangeError{fmt.Errorf("it does not speak this protocol: %w", err)}
		}
		return o, nil
	}
	if errors.Is(err, pipe.ErrTimeout) && !s.gone.Load() {
		s.Kill()
		return outcome{}, &strangeError{fmt.Errorf("it has not said within %v that it is there; does its main call process.Main first, before anything that takes time?", s.p.startTimeout())}
	}
	return outcome{}, err // it is gone, or has closed its end; its exit status will say more
}

// setLimit sets until when the child may take to be heard. When it is dead, what it
// has sent is all there, and nobody waits for more.
func (s *spawned) setLimit(t time.Time) {
	_ = s.control.SetDeadline(t)
	if s.gone.Load() { // it may have died between these two lines
		_ = s.control.SetDeadline(time.Unix(1, 0))
	}
}

// hangUp tells the function that nothing more will come.
func (s *spawned) hangUp() {
	s.p.closeWrite() // first: who reads from it is to see its end, not a time limit
	_ = s.control.CloseWrite()
}

func (s *spawned) pid() int               { return s.PID() }
func (s *spawned) terminate()             { s.Terminate() }
func (s *spawned) kill()                  { s.Kill() }
func (s *spawned) died() *child.DiedError { return s.Died() }

func (s *spawned) exitCode() int {
	if d := s.Died(); d != nil {
		return d.ExitCode
	}
	return 0
}

func (s *spawned) stop() {
	over, cancel := context.WithCancel(context.Background())
	cancel()
	_ = s.Stop(over) // begins to stop it, and does not wait
}

func (p *Process) startTimeout() time.Duration {
	if p.cfg.StartTimeout == 0 {
		return DefaultStartTimeout
	}
	return p.cfg.StartTimeout
}

func (p *Process) grace() time.Duration {
	if p.cfg.Grace == 0 {
		return child.DefaultGrace
	}
	return max(p.cfg.Grace, 0)
}

// ours are the processes that this one has started and that have not ended. A
// process that ends does not leave them to be killed by their lifelines and buried
// by whoever adopts them: see endAll.
var ours = children{alive: map[*spawned]bool{}}

type children struct {
	sync.Mutex
	alive map[*spawned]bool
}

func (c *children) add(s *spawned) {
	c.Lock()
	defer c.Unlock()
	c.alive[s] = true
}

func (c *children) remove(s *spawned) {
	c.Lock()
	defer c.Unlock()
	delete(c.alive, s)
}

// endAll kills them and waits for their end.
func (c *children) endAll() {
	c.Lock()
	var all []*spawned
	for s := range c.alive {
		all = append(all, s)
	}
	c.Unlock()
	for _, s := range all {
		s.Kill()
	}
	enough := time.After(time.Second)
	for _, s := range all {
		select {
		case <-s.Done():
		case <-enough:
			return
		}
	}
}
