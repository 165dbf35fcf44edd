package pool

import (
	"context"
	"math"
	"slices"
	"time"
)

// dispatch gives jobs to workers, as long as there is one that wants one. The caller has
// p.mu, as in all of this file.
func (p *Pool) dispatch() {
	for len(p.queue) > 0 {
		w := p.hungriest()
		if w == nil {
			p.replace()
			return
		}
		j := p.queue[0]
		if n := w.leaves(); n < j.tasks() {
			p.queue[0] = j.cutOff(n)
		} else {
			p.queue[0] = nil
			p.queue = p.queue[1:]
		}
		p.waiting -= j.tasks()
		p.makeRoom()
		w.give(j)
	}
	p.lookForWork()
}

// putBack puts jobs at the front of the queue.
func (p *Pool) putBack(jobs []*job) {
	for _, j := range jobs {
		p.waiting += j.tasks()
		j.worker = nil
	}
	p.queue = slices.Insert(p.queue, 0, jobs...)
}

// leaves returns how many tasks the worker may be given, with regard to TasksPerChild.
func (w *worker) leaves() int {
	if limit := w.pool.cfg.TasksPerChild; limit > 0 {
		return limit - w.given
	}
	return math.MaxInt
}

// lookForWork is for workers that have nothing to do while another one has tasks that it
// has not begun: what was given to that one will be taken back if it takes too long. That
// one may be busy with a long task, or stand still.
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

// waits tells whether the worker has tasks that it has not begun, and has told nothing for
// so long.
func (w *worker) waits(d time.Duration) bool {
	return w.tasks > 0 && time.Since(w.heard) >= d && w.tasks > w.begunTasks()
}

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
	unsent := len(w.unsent)
	w.unsent = slices.DeleteFunc(w.unsent, func(j *job) bool { return !slices.Contains(w.jobs, j) })
	if sent := len(back) - (unsent - len(w.unsent)); sent > 0 {
		w.silent = true // and about what it has never seen it will say nothing
	}
	if len(back) > 0 {
		w.kick() // it may be one of these that is waited for
	}
	p.putBack(back)
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
	case !w.ready || w.silent || w.leaving || w.err != nil || w.leaves() <= 0:
		return false
	case w.tasks > 0 && w.bytes > maxAhead:
		return false
	}
	return w.tasks == 0 || time.Duration(w.tasks)*w.pool.pace < window && time.Since(w.heard) < window
}

const maxAhead = 1 << 20 // bytes that wait in front of a worker

// learn takes notice of how long tasks take.
func (p *Pool) learn(tasks int, took time.Duration) {
	p.pace = (3*p.pace + took/time.Duration(tasks)) / 4
	p.deaths.Worked()
}

// stop tells the worker to go, and has it killed if it does not.
func (w *worker) stop() {
	if !w.stopping {
		w.leaving, w.stopping = true, true
		w.callReader()
		go func() { _ = w.process.Stop(context.Background()) }()
	}
}

// letGo lets the worker go when it has done what it has.
func (w *worker) letGo() {
	if !w.leaving {
		w.leaving = true
		w.callReader()
		w.wake.Signal()
	}
}
