// Package suite holds the checks of exercise 03, "Tame it". It never contains
// the answer: it starts the driver, which does, and tells the oracles what to do.
package suite

import (
	"fmt"
	"math/rand/v2"
	"os/exec"

	"example.com/multiprocessing/exercises/03-persistent-worker/script"
	"example.com/multiprocessing/exercises/kit"
)

const oracle = "./exercises/03-persistent-worker/oracle"

// Exercise is exercise 03.
var Exercise = kit.Exercise{
	Name:      "03-persistent-worker",
	Driver:    "./exercises/03-persistent-worker/driver",
	Helpers:   []string{oracle},
	Checks:    checks,
	Attempted: attempted,
	Needs:     "unix",
}

// A performance is the driver at work, and the oracles that it starts.
type performance struct {
	*kit.Session[script.Request, script.Report]
	t       *kit.Trial
	control *kit.Control[script.Hello]
	asked   int
	started int
	early   map[int]script.Report // reports that came before they were waited for
}

// An actor is one oracle process.
type actor struct {
	*kit.Caller[script.Hello]
	p *performance
}

func begin(t *kit.Trial) *performance {
	p := &performance{t: t, control: kit.Listen[script.Hello](t), early: map[int]script.Report{}}
	p.Session = kit.Begin[script.Request, script.Report](t, "the driver with your Oracle", "Ask", func(cmd *exec.Cmd) {
		cmd.Env = append(cmd.Env, script.ControlVariable+"="+p.control.Path, "ORACLE_PROGRAM="+t.Helper[oracle])
	})
	return p
}

// ask has the driver call Ask, and returns the number of the call.
func (p *performance) ask(question string) int {
	p.asked++
	p.Ask(script.Request{ID: p.asked, Question: question})
	return p.asked
}

// report waits until the Ask with this number has returned.
func (p *performance) report(id int, what string) script.Report {
	for {
		if r, ok := p.early[id]; ok {
			delete(p.early, id)
			return r
		}
		r := p.Report(what)
		p.early[r.ID] = r
	}
}

// arrival waits for an oracle to be started, lets it begin, and makes sure that it
// is one.
func (p *performance) arrival(what string) *actor {
	a := p.unborn(what)
	a.Order(script.Order{})
	return a
}

// unborn is arrival without letting it begin: its start takes as long as we like.
func (p *performance) unborn(what string) *actor {
	a := &actor{kit.Await(p.t, p.Driver, p.control.Arrivals, what), p}
	p.started++
	p.Driver.Call(a.Hello.PID, fmt.Sprintf("oracle %d", p.started))
	if err := a.Genuine(p.Driver, "an oracle", p.t.Helper[oracle], a.Hello.PID, a.Hello.Parent); err != nil {
		p.t.Failf("%v", err)
	}
	return a
}

// question waits until the oracle has read a question.
func (a *actor) question(what string) string {
	e := a.event(what)
	if e.EOF {
		a.p.t.Failf("The oracle (pid %d) waits for a question, and its stdin was closed.", a.Hello.PID)
	}
	return e.Question
}

func (a *actor) event(what string) script.Event {
	events := make(chan script.Event, 1)
	go func() {
		var e script.Event
		if a.Next(&e) == nil {
			events <- e
		}
	}()
	return kit.Await(a.p.t, a.p.Driver, events, what)
}

// want wants an Ask to return this answer.
func (p *performance) want(r script.Report, answer string) {
	if r.Failed {
		p.t.Failf("The oracle has answered %q, and Ask has returned an error:\n%s", answer, kit.Quote(r.Error))
	}
	if r.Answer != answer {
		p.t.Failf("The oracle has answered %q, and Ask has returned %q.", answer, r.Answer)
	}
}

// dialogue has one question asked of an oracle that runs, and answered.
func (p *performance) dialogue(a *actor) {
	question, answer := words(), words()
	id := p.ask(question)
	got := a.question("Ask was called, and the oracle, which is alive, does not get the question.")
	p.wantQuestion(got, question)
	a.Order(script.Order{Answer: answer})
	p.want(p.report(id, "The oracle has answered, and Ask does not return."), answer)
}

func (p *performance) wantQuestion(got, want string) {
	if got != want {
		p.t.Failf("Ask was called with the question %q, and the oracle has read the line %q.", want, got)
	}
}

// first has the first question asked, and returns the oracle that was started for
// it.
func (p *performance) first() *actor {
	question, answer := words(), words()
	id := p.ask(question)
	a := p.arrival("Ask was called for the first time, and no program was started.")
	p.wantQuestion(a.question("The oracle has been started, and does not get the question."), question)
	a.Order(script.Order{Answer: answer})
	p.want(p.report(id, "The oracle has answered, and Ask does not return."), answer)
	return a
}

// nobodyElse wants no oracle to have been started that we do not know of.
func (p *performance) nobodyElse(what string) {
	select {
	case a := <-p.control.Arrivals:
		p.t.Failf("%s\nThere is a second oracle, pid %d.", what, a.Hello.PID)
	default:
	}
}

// closeOracle has Close called and waits until it has returned.
func (p *performance) closeOracle() {
	p.Ask(script.Request{Close: true})
	if r := p.report(-1, "Close does not return."); r.Failed {
		p.t.Failf("Close has returned an error: %s", r.Error)
	}
}

// words is a text that nobody can know without having read it.
func words() string { return fmt.Sprintf("riddle %d", int64(1e17)+rand.N(int64(1e17))) }

// attempted sees whether Ask does anything but to say that it is not written.
func attempted(t *kit.Trial) bool {
	p := begin(t)
	id := p.ask("?")
	return !p.Reacts(p.control.Arrived) || !p.report(id, "").Todo
}
