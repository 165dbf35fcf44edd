package pool

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/multiprocessing/03-persistent-worker/child"
)

// replace starts the workers that are missing. Where workers go when they are idle, only a
// task that waits needs one.
func (p *Pool) replace() {
	n := p.cfg.Workers
	if p.cfg.Idle > 0 {
		n = min(n, len(p.workers)+p.waiting)
	}
	p.startMissing(n)
}

func (p *Pool) startMissing(n int) {
	for len(p.workers)+p.starts < n && p.why == nil && (!p.closed || p.open > 0) {
		p.starts++
		go func() {
			if err := p.start(); err != nil {
				p.died(fmt.Errorf("a worker does not start: %w", err))
			}
		}()
	}
}

// died is called, without p.mu, when a worker has died.
func (p *Pool) died(how error) {
	p.mu.Lock()
	p.dead++
	broken := p.deaths.Died(how)
	if p.why != nil {
		broken = nil // it has come to its end already
	}
	if broken == nil {
		p.goOn()
	}
	p.mu.Unlock()
	if broken != nil {
		p.abandon(broken)
	}
}

// goOn goes on without a worker. The caller has p.mu.
func (p *Pool) goOn() {
	p.replace()
	p.dispatch()
	p.settle()
}

// watch kills workers whose task takes too long.
func (p *Pool) watch() {
	tick := time.NewTicker(max(p.cfg.TaskTimeout/4, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-p.ended:
			return
		case now := <-tick.C:
			p.mu.Lock()
			for _, w := range p.workers {
				w.checkTime(now)
			}
			p.mu.Unlock()
		}
	}
}

// beginLimit is how much more time a worker has for a task that it has not begun.
const beginLimit = 10 * time.Second

// checkTime sees how long the worker has been at its task. It may have begun it up to a
// tick before this was seen.
func (w *worker) checkTime(now time.Time) {
	begun, done := w.answered+w.begunTasks(), int(w.progress.done.Load())
	switch {
	case begun <= done && w.tasks > 0 && w.ready && now.Sub(w.heard) >= w.pool.cfg.TaskTimeout+beginLimit:
		_ = w.process.Kill() // it does not even begin; its tasks go to others
	case begun <= done || w.late:
		w.task = 0
	case begun != w.task:
		w.task, w.since = begun, now
	case now.Sub(w.since) >= w.pool.cfg.TaskTimeout:
		w.late = true
		_ = w.process.Kill()
	}
}

// bury says what has become of the tasks of a dead worker, and takes it off the list. What
// it had not begun goes to others.
func (p *Pool) bury(w *worker, how error) {
	p.mu.Lock()
	p.workers = slices.DeleteFunc(p.workers, func(other *worker) bool { return other == w })
	done := int(w.progress.done.Load()) - w.answered
	running := w.begunTasks() // 1 more, if it was in the middle of one
	if done > 0 {
		p.deaths.Worked() // it has, even if nobody will ever see what
	}
	failed := withLastWords(how)
	if w.late {
		failed = &fate{fmt.Sprintf("was killed: %v of %v", ErrTimeLimit, p.cfg.TaskTimeout), []error{ErrTimeLimit, how}}
	}
	isLost := &fate{fmt.Sprintf("%v: %v", how, ErrLost), []error{ErrLost, how}}
	var again, ended []*job
	var errs []error
	at := 0 // how many tasks come before this job's
	for _, j := range w.jobs {
		first := at
		at += j.tasks()
		switch {
		case p.why != nil:
			p.countAbandoned(p.why, j.tasks())
			ended, errs = append(ended, j), append(errs, p.why)
			continue
		case first >= running: // not begun
			again = append(again, j)
			continue
		}
		lost := min(max(done-first, 0), j.tasks())
		begun := min(running-first, j.tasks())
		parts := j.split(lost, begun-lost)
		if touched := parts[0].tasks() + parts[1].tasks(); touched > 0 && j.retries < p.cfg.Retry {
			j.retries++
			again = append(again, j)
			continue
		}
		p.ledger.Lost += lost
		p.ledger.Failed += begun - lost
		ended = append(ended, parts[0], parts[1])
		errs = append(errs, isLost, failed)
		if parts[2].tasks() > 0 {
			again = append(again, parts[2])
		}
	}
	w.jobs = nil
	p.putBack(again)
	p.mu.Unlock()
	for i, j := range ended {
		j.fail(w.who(), errs[i])
		p.closeTasks(j.tasks())
	}
	if !errors.Is(how, errLeft) {
		p.died(how)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.goOn()
}

// errLeft: the worker has gone because it was told to.
var errLeft = errors.New("it has left")

// split makes three of a job: its first a tasks, the next b, and the rest.
func (j *job) split(a, b int) (parts [3]*job) {
	whole := *j
	second := whole.cutOff(a)
	third := second.cutOff(b)
	return [3]*job{&whole, second, third}
}

// A fate is how a worker has ended, in words that follow its name, and the errors behind it.
type fate struct {
	text string
	whys []error
}

func (f *fate) Error() string   { return f.text }
func (f *fate) Unwrap() []error { return f.whys }

// withLastWords adds the end of its stderr, for the task that it was running.
func withLastWords(how error) error {
	d, ok := errors.AsType[*child.DiedError](how)
	if !ok {
		return how
	}
	words := "it has written nothing to stderr"
	if tail := strings.TrimSpace(d.StderrTail); tail != "" {
		words = "the end of its stderr:\n\n" + tail
	}
	return &fate{how.Error() + "; " + words, []error{how}}
}
