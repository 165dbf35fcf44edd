// Package suite holds the checks of exercise 04, "The night watch". It never
// contains the answer: it starts the driver, which does, and tells the guards what
// to do.
package suite

import (
	"fmt"
	"os/exec"
	"time"

	"example.com/multiprocessing/exercises/04-fork-order/script"
	"example.com/multiprocessing/exercises/kit"
)

const guard = "./exercises/04-fork-order/guard"

// Exercise is exercise 04.
var Exercise = kit.Exercise{
	Name:      "04-fork-order",
	Driver:    "./exercises/04-fork-order/driver",
	Helpers:   []string{guard},
	Checks:    checks,
	Attempted: attempted,
	Needs:     "unix",
}

// A performance is the driver at work, and the guards that it starts.
type performance struct {
	*kit.Session[script.Request, script.Report]
	t       *kit.Trial
	control *kit.Control[script.Hello]
	started int
}

// An actor is one guard process.
type actor struct {
	*kit.Caller[script.Hello]
	p      *performance
	name   string
	events chan script.Event // closed when it is gone
}

func begin(t *kit.Trial) *performance {
	p := &performance{t: t, control: kit.Listen[script.Hello](t)}
	p.Session = kit.Begin[script.Request, script.Report](t, "the driver with your Watch", "Watch", func(cmd *exec.Cmd) {
		cmd.Env = append(cmd.Env, script.ControlVariable+"="+p.control.Path, "GUARD_PROGRAM="+t.Helper[guard])
	})
	return p
}

// long is a grace that no check waits for.
const long = time.Hour

func (p *performance) watch(grace time.Duration, names ...string) {
	p.Ask(script.Request{Names: names, Grace: grace})
}

func (p *performance) cancel() { p.Ask(script.Request{Cancel: true}) }

// arrival waits for a guard to be started, and makes sure that it is the right one.
func (p *performance) arrival(name, what string) *actor {
	a := p.follow(kit.Await(p.t, p.Driver, p.control.Arrivals, what))
	p.started++
	p.Driver.Call(a.Hello.PID, fmt.Sprintf("post %q", a.name))
	if err := a.Genuine(p.Driver, fmt.Sprintf("the post %q", a.name), p.t.Helper[guard], a.Hello.PID, a.Hello.Parent); err != nil {
		p.t.Failf("%v", err)
	}
	if a.name != name {
		p.t.Failf("%s\nwant the post %q to be started next\ngot  the post %q", what, name, a.name)
	}
	return a
}

func (p *performance) follow(c *kit.Caller[script.Hello]) *actor {
	a := &actor{c, p, c.Hello.Name, make(chan script.Event, 100)}
	go func() {
		defer close(a.events)
		for {
			var e script.Event
			if a.Next(&e) != nil {
				return
			}
			a.events <- e
		}
	}()
	return a
}

// do gives an order and waits until it is done.
func (a *actor) do(order script.Order, what string) {
	a.Order(order)
	if e := kit.Await(a.p.t, a.p.Driver, a.events, what); !e.Done {
		a.p.t.Failf("%s\nThe post %q (pid %d) %s.", what, a.name, a.Hello.PID, says(e))
	}
}

// ready has it say that it is ready.
func (a *actor) ready() {
	a.do(script.Order{Lines: []string{"ready"}}, fmt.Sprintf("The post %q says that it is ready.", a.name))
}

// end has it end, and waits until it is gone.
func (a *actor) end(exit int) {
	a.Order(script.Order{Exit: exit})
	a.gone(fmt.Sprintf("The post %q was told by the suite to end, which it does not; that is the kit's fault.", a.name))
}

// gone waits for its end.
func (a *actor) gone(what string) {
	for {
		e := kit.Await(a.p.t, a.p.Driver, a.events, what)
		if e == (script.Event{}) {
			return
		}
	}
}

// told waits until it was told to go.
func (a *actor) told(what string) {
	e := kit.Await(a.p.t, a.p.Driver, a.events, what)
	if e == (script.Event{}) {
		a.p.t.Failf("%s\nThe post %q (pid %d) is dead already. SIGTERM comes first, and SIGKILL when the grace is over.", what, a.name, a.Hello.PID)
	}
	if !e.Term {
		a.p.t.Failf("%s\nThe post %q (pid %d) %s.", what, a.name, a.Hello.PID, says(e))
	}
}

func says(e script.Event) string {
	switch {
	case e.Term:
		return "was told to go, with SIGTERM"
	case e.Alone:
		return "has seen the end of its descriptor 3"
	case e.Done:
		return "goes on"
	}
	return "is dead"
}

// undisturbed wants these to be alive, and nobody to have told them anything.
func (p *performance) undisturbed(what string, actors ...*actor) {
	for _, a := range actors {
		select {
		case e := <-a.events:
			p.t.Failf("%s\nThe post %q (pid %d) %s.", what, a.name, a.Hello.PID, says(e))
		default:
		}
	}
}

// nobodyElse wants no post to have been started that we do not know of.
func (p *performance) nobodyElse(what string) {
	select {
	case c := <-p.control.Arrivals:
		p.t.Failf("%s\nThe post %q was started (pid %d).", what, c.Hello.Name, c.Hello.PID)
	default:
	}
}

// standing has Watch called, and all posts started and ready.
func (p *performance) standing(grace time.Duration, names ...string) []*actor {
	p.watch(grace, names...)
	var all []*actor
	for i, name := range names {
		what := "Watch was called, and the first post is not started."
		if i > 0 {
			what = fmt.Sprintf("The post %q has said that it is ready, and the next one is not started.", names[i-1])
		}
		a := p.arrival(name, what)
		a.ready()
		all = append(all, a)
	}
	p.Settle()
	return all
}

// relieve ends the watch in good order.
func (p *performance) relieve(posts []*actor) {
	p.cancel()
	p.stopped(posts)
	if r := p.Report("All posts have ended, and Watch does not return."); r.Failed {
		p.t.Failf("The context has ended, all posts have gone when they were told to, and Watch has returned an error: %s", r.Error)
	}
	p.NobodyLeft("Watch has returned.")
}

// stopped wants them to be told to go, the last one first.
func (p *performance) stopped(posts []*actor) {
	for i := len(posts) - 1; i >= 0; i-- {
		a := posts[i]
		what := "The context has ended"
		if i < len(posts)-1 {
			what = fmt.Sprintf("The post %q has gone", posts[i+1].name)
		}
		a.told(fmt.Sprintf("%s, and the post %q is not told to go.", what, a.name))
		p.Settle()
		p.undisturbed(fmt.Sprintf("The post %q was told to go, and has not gone yet.", a.name), posts[:i]...)
		p.nobodyElse("The context has ended.")
		a.end(-1)
	}
	p.Settle()
	p.nobodyElse("All posts have gone, because they were told to.")
}

// attempted sees whether Watch does anything but to say that it is not written.
func attempted(t *kit.Trial) bool {
	p := begin(t)
	p.watch(long, "lamp")
	return !p.Reacts(p.control.Arrived) || !p.Report("").Todo
}
