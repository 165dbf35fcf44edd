// Package suite holds the checks of exercise 01, "Build the shell's bar". It
// never contains the answer: it starts the driver, which does, and watches.
package suite

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

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
	*kit.Session[script.Request, script.Report]
	t       *kit.Trial
	control *kit.Control[script.Hello]
	in, out string
}

// An actor is a stage that has reported and waits for its order.
type actor = kit.Caller[script.Hello]

// begin starts the driver.
func begin(t *kit.Trial) *performance {
	p := &performance{t: t, control: kit.Listen[script.Hello](t), in: filepath.Join(t.Dir, "in"), out: filepath.Join(t.Dir, "out")}
	p.input("")
	p.Session = kit.Begin[script.Request, script.Report](t, "the driver with your Run", "Run", nil)
	return p
}

// genuine makes sure that who reports is a stage, and the driver's child, and gives it a name.
func (p *performance) genuine(a *actor) error {
	h := a.Hello
	if err := a.Genuine(p.Driver, fmt.Sprintf("stage %d", h.Stage), p.t.Helper[stage], h.PID, h.Parent); err != nil {
		return err
	}
	p.Driver.Call(h.PID, fmt.Sprintf("stage %d, %s", h.Stage, h.Role))
	return nil
}

func (p *performance) input(text string) {
	p.t.Write("in", text)
}

func (p *performance) output() string {
	text, err := p.t.Read("out")
	if err != nil {
		p.t.Failf("%v", err)
	}
	return text
}

// run has the driver call Run.
func (p *performance) run(stages pipeline) {
	request := script.Request{In: p.in, Out: p.out, Control: p.control.Path}
	for _, s := range stages {
		if !strings.Contains(s[0], "/") {
			s = append([]string{p.t.Helper[stage]}, s...)
		}
		request.Stages = append(request.Stages, s)
	}
	p.Ask(request)
}

// arrival waits for the next stage to report, while Run is at work.
func (p *performance) arrival(what string) *actor {
	a, early := kit.Either(p.Session, p.control.Arrivals, what)
	if early != nil {
		p.t.Failf("Run has returned (%v, error %q) before all stages had even begun.", early.Statuses, early.Error)
	}
	if err := p.genuine(a); err != nil {
		p.t.Failf("%v", err)
	}
	return a
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
	p.run(stages)
	stop := p.release(orders)
	defer stop() // also when Report ends the trial
	r = p.Report(what)
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
		if err := p.genuine(a); err != nil {
			fake = err
		}
		var order script.Order
		if n := a.Hello.Stage; n >= 0 && n < len(orders) {
			order = orders[n]
		}
		a.Order(order)
		played[a.Hello.PID] = true
	}
	go func() {
		defer close(done)
		for {
			select {
			case a := <-p.control.Arrivals:
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
	if strays := p.Driver.Strays(); len(strays) > 0 {
		p.t.Failf("Processes of yours have outlived their parents: %s", strings.Join(strays, ", "))
	}
	p.Finish()
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
