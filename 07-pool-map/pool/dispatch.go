package pool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// dispatch gives jobs to workers, as long as there is one that wants one. The caller has
// p.mu, as in all of this file.
func (p *Pool) dispatch() {
	for len(p.queue) > 0 {
		w := p.hungriest()
		if w == nil {
			return
		}
		j := p.queue[0]
		p.queue[0] = nil
		p.queue = p.queue[1:]
		w.give(j)
	}
	p.lookForWork()
}

// lookForWork is for workers that have nothing to do while another one has tasks that it
// has not begun: what was given to that one will be taken back if it takes too long.
func (p *Pool) lookForWork() {
	if p.looking || !p.someoneIdle() || !p.someoneWaits(0) {
		return
	}
	p.looking = true
	time.AfterFunc(window, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.looking = false
		if p.someoneIdle() && p.someoneWaits(window) {
			for _, w := range p.workers {
				if w.waits(window) {
					p.takeBack(w)
				}
			}
		}
		p.dispatch()
	})
}

func (p *Pool) someoneIdle() bool {
	return slices.ContainsFunc(p.workers, func(w *worker) bool { return w.tasks == 0 && w.wants() })
}

func (p *Pool) someoneWaits(d time.Duration) bool {
	return slices.ContainsFunc(p.workers, func(w *worker) bool { return w.waits(d) })
}

// waits tells whether the worker has more than one task, and has told nothing for so long.
func (w *worker) waits(d time.Duration) bool { return w.tasks > 1 && time.Since(w.heard) >= d }

// takeBack puts what the worker has not begun at the front of the queue.
func (p *Pool) takeBack(w *worker) {
	from := w.progress.takeBack()
	var back []*job
	for i, j := range w.jobs {
		begun := w.begun(j, from)
		if begun == j.tasks() {
			continue
		}
		if rest := j.cutOff(begun); begun > 0 {
			back = append([]*job{rest}, w.jobs[i+1:]...)
			w.jobs = w.jobs[:i+1]
		} else {
			back = slices.Clone(w.jobs[i:])
			back[0] = rest
			w.jobs = w.jobs[:i]
		}
		break
	}
	for _, j := range back {
		w.tasks -= j.tasks()
		w.given -= j.tasks()
		w.bytes -= len(j.args)
	}
	w.unsent = slices.DeleteFunc(w.unsent, func(j *job) bool { return !slices.Contains(w.jobs, j) })
	p.queue = slices.Insert(p.queue, 0, back...)
}

// begun returns how many of the job's tasks that are left were begun.
func (w *worker) begun(j *job, from uint32) int {
	return min(max(int(int32(from-j.number)), 0), j.tasks())
}

// begunTasks returns how many tasks were begun and not answered.
func (w *worker) begunTasks() (n int) {
	from := w.progress.begun()
	for _, j := range w.jobs {
		n += w.begun(j, from)
	}
	return n
}

// cutOff cuts the job off after n tasks, and returns the rest.
func (j *job) cutOff(n int) *job {
	args := skipArgs(j.args, n)
	rest := &job{Call: j.Call, next: j.next + n, end: j.end, args: args, retries: j.retries}
	j.end, j.args = j.next+n, j.args[:len(j.args)-len(args)]
	return rest
}

// hungriest returns the worker that has the least to do, if it wants more.
func (p *Pool) hungriest() (best *worker) {
	for _, w := range p.workers {
		if w.wants() && (best == nil || w.tasks < best.tasks) {
			best = w
		}
	}
	return best
}

// wants tells whether the worker should get another job: if it has nothing to do, or if
// what it has will not take longer than the window, so that it never waits for the next
// one. If tasks are slow, it gets one when it has none: another worker may be free sooner.
func (w *worker) wants() bool {
	switch {
	case w.leaving || w.tasks > 0 && w.bytes > maxAhead:
		return false
	case w.pool.cfg.TasksPerChild > 0 && w.given >= w.pool.cfg.TasksPerChild:
		return false
	}
	return w.tasks == 0 || time.Duration(w.tasks)*w.pool.pace < window && time.Since(w.heard) < window
}

const maxAhead = 1 << 20 // bytes that wait in front of a worker

// learn takes notice of how long tasks take.
func (p *Pool) learn(tasks int, took time.Duration) {
	p.pace = (3*p.pace + took/time.Duration(tasks)) / 4
	p.deaths = p.deaths[:0]
}

// replace starts as many workers as are missing.
func (p *Pool) replace() {
	for len(p.workers)+p.starts < p.cfg.Workers && p.why == nil && (!p.closed || p.open > 0) {
		p.starts++
		go func() {
			if err := p.start(); err != nil {
				p.died(fmt.Errorf("a worker does not start: %w", err))
			}
		}()
	}
}

// The pool is broken when so many workers have died in so short a time, and no task was
// finished in between: what is wrong with them will be wrong with the next ones.
const (
	maxDeaths  = 5
	deathsTime = 10 * time.Second
)

// died is called, without p.mu, when a worker has died.
func (p *Pool) died(how error) {
	p.mu.Lock()
	now := time.Now()
	p.deaths = slices.DeleteFunc(append(p.deaths, now), func(t time.Time) bool { return now.Sub(t) > deathsTime })
	broken := len(p.deaths) >= maxDeaths && p.why == nil
	if !broken {
		p.replace()
		p.dispatch()
		p.settle()
	}
	p.mu.Unlock()
	if broken {
		p.abandon(fmt.Errorf("%w: %d workers in a row have died without having finished a task; the last one: %w", ErrBroken, maxDeaths, how))
	}
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

// checkTime sees how long the worker has been at its task. It may have begun it up to a
// tick before this was seen.
func (w *worker) checkTime(now time.Time) {
	begun, done := w.answered+w.begunTasks(), int(w.progress.done.Load())
	switch {
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
	died := how
	if w.late {
		died = fmt.Errorf("%w of %v: %w", ErrTimeLimit, p.cfg.TaskTimeout, how)
	}
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
		failed := min(running-first, j.tasks()) - lost
		parts := j.split(lost, failed)
		if touched := parts[0].tasks() + parts[1].tasks(); touched > 0 && j.retries < p.cfg.Retry {
			j.retries++
			again = append(again, j)
			continue
		}
		p.ledger.Lost += lost
		p.ledger.Failed += failed
		ended = append(ended, parts[0], parts[1])
		errs = append(errs, fmt.Errorf("%w: its worker %w", ErrLost, how), died)
		if parts[2].tasks() > 0 {
			again = append(again, parts[2])
		}
	}
	w.jobs = nil
	p.queue = slices.Insert(p.queue, 0, again...)
	p.mu.Unlock()
	for i, j := range ended {
		for task := j.next; task < j.end; task++ {
			j.Result(task, nil, &TaskError{Task: task, Worker: w.who(), Err: errs[i]})
		}
		p.closeTasks(j.tasks())
	}
	if w.leaving && errors.Is(how, errLeft) {
		p.mu.Lock()
		p.replace()
		p.dispatch()
		p.settle()
		p.mu.Unlock()
		return
	}
	p.died(how)
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

// stop tells the worker to go, and has it killed if it does not.
func (w *worker) stop() {
	if !w.stopping {
		w.leaving, w.stopping = true, true
		go func() { _ = w.process.Stop(context.Background()) }()
	}
}

// letGo lets the worker go when it has done what it has.
func (w *worker) letGo() {
	if !w.leaving {
		w.leaving = true
		w.wake.Signal()
	}
}
