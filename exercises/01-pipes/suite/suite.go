// Package suite holds the checks of exercise 01, "Build the shell's bar". It
// never contains the answer: it starts the driver, which does, and watches.
package suite

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/exercises/01-pipes/script"
	"example.com/multiprocessing/exercises/kit"
)

const (
	driver = "./exercises/01-pipes/driver"
	stage  = "./exercises/01-pipes/stage"
)

// Exercise is exercise 01.
var Exercise = kit.Exercise{
	Name:      "01-pipes",
	Driver:    driver,
	Helpers:   []string{stage},
	Checks:    checks,
	Attempted: attempted,
	Needs:     "unix",
}

// A pipeline is a list of stages, each an argument list: the role and what goes
// with it.
type pipeline [][]string

// A performance is the driver at work on one pipeline after another.
type performance struct {
	t        *kit.Trial
	driver   *kit.Program
	suite    *pipe.Conn
	listener net.Listener
	arrivals chan *actor
	reports  chan received
	in, out  string

	accepting sync.WaitGroup
	mu        sync.Mutex
	conns     []net.Conn
}

type received struct {
	script.Report
	err error
}

// An actor is a stage that has reported and waits for its order.
type actor struct {
	script.Hello
	conn net.Conn
	err  error
}

func (a *actor) play(order script.Order) {
	_ = json.NewEncoder(a.conn).Encode(order) // a stage that is gone shows soon enough
	_ = a.conn.Close()
}

// begin starts the driver.
func begin(t *kit.Trial) *performance {
	p := &performance{
		t:        t,
		arrivals: make(chan *actor, 1000),
		reports:  make(chan received, 1000),
		in:       filepath.Join(t.Dir, "in"),
		out:      filepath.Join(t.Dir, "out"),
	}
	p.input("")
	var err error
	if p.listener, err = net.Listen("unix", filepath.Join(shortDir(t), "s")); err != nil {
		t.Failf("the suite cannot listen: %v", err)
	}
	t.Cleanup(p.stopAccepting)
	front, back, err := pipe.Pair()
	if err != nil {
		t.Failf("%v", err)
	}
	p.suite = front
	t.Cleanup(func() { front.Close() })
	cmd := exec.Command(t.Driver)
	back.Give(cmd)
	p.driver = t.Start("the driver with your Run", cmd)
	back.Close()
	go p.receive()
	p.accepting.Add(1)
	go p.accept()
	return p
}

// shortDir returns the trial's directory, or another one if a socket's path in
// it would be too long: 107 bytes on Linux, 103 on macOS.
func shortDir(t *kit.Trial) string {
	if len(t.Dir) < 100 {
		return t.Dir
	}
	dir, err := os.MkdirTemp("/tmp", "kit")
	if err != nil {
		t.Failf("the suite cannot make a directory with a short path: %v", err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func (p *performance) receive() {
	for {
		report, err := pipe.Receive[script.Report](p.suite)
		p.reports <- received{report, err}
		if err != nil {
			return
		}
	}
}

// accept takes the stages' calls, each in a goroutine of its own: one that says
// nothing must not keep the others waiting.
func (p *performance) accept() {
	defer p.accepting.Done()
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		p.conns = append(p.conns, conn)
		p.mu.Unlock()
		p.accepting.Go(func() {
			a := &actor{conn: conn}
			if json.NewDecoder(conn).Decode(&a.Hello) != nil {
				return // it has died, or was no stage
			}
			a.err = p.genuine(a)
			p.driver.Call(a.PID, fmt.Sprintf("stage %d, %s", a.Stage, a.Role))
			p.arrivals <- a
		})
	}
}

// stopAccepting is called when the driver and all its descendants are dead.
func (p *performance) stopAccepting() {
	p.listener.Close()
	p.accepting.Wait()
	for _, conn := range p.conns {
		conn.Close()
	}
}

// genuine makes sure that who reports is a stage, and the driver's child.
func (p *performance) genuine(a *actor) error {
	if exe := kit.Executable(a.PID); exe != "" && exe != p.t.Helper[stage] {
		return fmt.Errorf("pid %d says that it is stage %d, but it runs %s", a.PID, a.Stage, exe)
	}
	if a.PID == p.driver.PID || a.Parent != p.driver.PID {
		return fmt.Errorf("stage %d (pid %d) is a child of pid %d, and not of the driver (pid %d)", a.Stage, a.PID, a.Parent, p.driver.PID)
	}
	return nil
}

func (p *performance) input(text string) {
	if err := os.WriteFile(p.in, []byte(text), 0o600); err != nil {
		p.t.Failf("%v", err)
	}
}

func (p *performance) output() string {
	text, err := os.ReadFile(p.out)
	if err != nil {
		p.t.Failf("%v", err)
	}
	return string(text)
}

// ask has the driver call Run.
func (p *performance) ask(stages pipeline) {
	request := script.Request{In: p.in, Out: p.out, Control: p.listener.Addr().String()}
	for _, s := range stages {
		if !strings.Contains(s[0], "/") {
			s = append([]string{p.t.Helper[stage]}, s...)
		}
		request.Stages = append(request.Stages, s)
	}
	if err := pipe.Send(p.suite, request); err != nil {
		p.died(err)
	}
}

func (p *performance) died(err error) {
	select {
	case <-p.driver.Ended:
	case <-time.After(10 * time.Second):
	}
	p.t.Failf("The program with your Run has ended before Run had returned (%s; %v).\nDoes it call os.Exit, or has it crashed? It has printed:\n%s",
		p.driver.Ending(), err, p.driver.Output())
}

// report waits until Run has returned.
func (p *performance) report(what string) script.Report {
	r := kit.Await(p.t, p.driver, p.reports, what)
	if r.err != nil {
		p.died(r.err)
	}
	return r.Report
}

// arrival waits for the next stage to report, while Run is at work.
func (p *performance) arrival(what string) *actor {
	either, over := make(chan any, 1), make(chan struct{})
	defer close(over)
	go func() {
		select {
		case a := <-p.arrivals:
			either <- a
		case r := <-p.reports:
			either <- r
		case <-over:
		}
	}()
	switch e := kit.Await(p.t, p.driver, either, what).(type) {
	case received:
		if e.err != nil {
			p.died(e.err)
		}
		p.t.Failf("Run has returned (%v, error %q) before all stages had even begun.", e.Statuses, e.Error)
	case *actor:
		if e.err != nil {
			p.t.Failf("%v", e.err)
		}
		return e
	}
	return nil
}

// perform runs a pipeline in which every stage begins as soon as it is alive,
// and returns what Run has returned. orders may be shorter than stages.
func (p *performance) perform(what string, stages pipeline, orders ...script.Order) script.Report {
	r, played := p.tryPerform(what, stages, orders...)
	if r.Failed {
		p.t.Failf("All stages could be started, and yet Run has returned an error: %s\nHow a stage ends is its status and not an error of Run.", r.Error)
	}
	if played < len(stages) {
		p.t.Failf("Run has returned %v, but only %d of the %d stages have ever been started.", r.Statuses, played, len(stages))
	}
	return r
}

// tryPerform is perform for a pipeline that cannot be started as a whole. It
// also returns how many stages were started.
func (p *performance) tryPerform(what string, stages pipeline, orders ...script.Order) (r script.Report, played int) {
	p.ask(stages)
	stop := p.release(orders)
	defer stop() // also when report ends the trial
	r = p.report(what)
	played, err := stop()
	if err != nil {
		p.t.Failf("%v", err)
	}
	return r, played
}

// release lets stages begin as they report, until stop is called. stop returns
// how many there were, and an error if one was not what it said.
func (p *performance) release(orders []script.Order) (stop func() (int, error)) {
	over, done := make(chan struct{}), make(chan struct{})
	played := map[int]bool{}
	var fake error
	play := func(a *actor) {
		if a.err != nil {
			fake = a.err
		}
		var order script.Order
		if a.Stage >= 0 && a.Stage < len(orders) {
			order = orders[a.Stage]
		}
		a.play(order)
		played[a.PID] = true
	}
	go func() {
		defer close(done)
		for {
			select {
			case a := <-p.arrivals:
				play(a)
			case <-over:
				return
			}
		}
	}()
	return sync.OnceValues(func() (int, error) { close(over); <-done; return len(played), fake })
}

// finish lets the driver go and wants it to go in peace.
func (p *performance) finish() {
	if strays := p.driver.Strays(); len(strays) > 0 {
		p.t.Failf("Processes of yours have outlived their parents: %s", strings.Join(strays, ", "))
	}
	p.suite.Close()
	kit.Await(p.t, p.driver, p.driver.Ended, "The program with your Run does not end, although it has nothing left to do.")
	if !p.driver.Success() {
		p.t.Failf("The program with your Run has ended with: %s\nIt has printed:\n%s", p.driver.Ending(), p.driver.Output())
	}
}

// attempted runs the smallest pipeline there is and sees whether Run is written.
func attempted(t *kit.Trial) bool {
	p := begin(t)
	r, _ := p.tryPerform("Run does not return.", pipeline{{"pass"}})
	return !r.Todo
}

var errNoText = errors.New("no source text found")

// realText returns real text to work on: the sources of package os/exec.
func realText() (string, error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", err
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(root)), "src", "os", "exec", "*.go"))
	if err != nil || len(files) == 0 {
		return "", errors.Join(errNoText, err)
	}
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		all.Write(text)
	}
	return all.String(), nil
}
