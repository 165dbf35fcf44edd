package pool

import "time"

// hear takes the results of a frame to those who wait for them.
func (w *worker) hear(frame []byte) error {
	took, frame, err := readTook(frame)
	if err != nil {
		return err
	}
	n, awaited := 0, false
	// Deferred, since a Result may run the user's code, which may panic.
	defer func() { w.delivered(n, took, awaited) }()
	for len(frame) > 0 && err == nil {
		// First the ledger: who has got his last result may look into it.
		var c counted
		if c, err = w.count(frame); c.tasks > 0 {
			n += c.tasks
			awaited = c.awaited
			w.deliver(c, frame)
			frame = frame[c.bytes:]
		}
	}
	return err
}

// delivered is called when so many results have been delivered, for which the worker took so
// long.
func (w *worker) delivered(n int, took time.Duration, awaited bool) {
	p := w.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	w.ready, w.silent, w.heard = true, false, time.Now()
	if n > 0 {
		p.open -= n
		p.learn(n, took)
	}
	if w.tasks == 0 {
		w.rest()
	}
	p.dispatch()
	if w.away = awaited && w.tasks == 0; w.away {
		w.onDuty = false
	}
	if w.mayWrite() { // to wake its goroutine in vain would cost as much as all of the above
		w.wake.Signal()
	}
	p.settle()
}

// counted are results at the beginning of a frame, all of one job.
type counted struct {
	*job
	first         int  // task
	awaited       bool // as the call said, until now
	tasks, failed int
	bytes         int
}

// count notes that results have come, as many as belong to the job whose turn it is.
func (w *worker) count(frame []byte) (c counted, err error) {
	p := w.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(w.jobs) == 0 {
		return c, errNonsense // more than it was asked for
	}
	j := w.jobs[0]
	c.job, c.first, c.awaited = j, j.next, j.Awaited
	// It can have results only of tasks that it has begun, and finished.
	finished := min(int(w.progress.done.Load())-w.answered, w.begun(j, w.progress.begun()))
	for rest := frame; len(rest) > 0 && c.tasks < finished; c.tasks++ {
		failed, out, after, err := splitResult(rest)
		if err == nil && failed {
			_, err = readFailure(out)
		}
		if err != nil {
			break // after those that could be read
		}
		if failed {
			c.failed++
		}
		c.bytes += len(rest) - len(after)
		rest = after
	}
	if c.tasks == 0 {
		return c, errNonsense
	}
	p.ledger.Done += c.tasks - c.failed
	p.ledger.Failed += c.failed
	w.answered += c.tasks
	w.tasks -= c.tasks
	left := skipArgs(j.args, c.tasks)
	w.bytes -= len(j.args) - len(left)
	j.next, j.args, j.number = j.next+c.tasks, left, j.number+uint32(c.tasks)
	if j.tasks() == 0 {
		w.jobs = w.jobs[1:]
		j.worker = nil
	}
	return c, nil
}

// deliver gives them to who waits for them.
func (w *worker) deliver(c counted, frame []byte) {
	defer c.lock()()
	for i := range c.tasks {
		failed, out, rest, _ := splitResult(frame)
		frame = rest
		if !failed {
			c.Result(c.first+i, out, nil)
			continue
		}
		why, _ := readFailure(out) // count has read it
		c.Result(c.first+i, nil, &TaskError{Task: c.First + c.first + i, Worker: w.who() + ":", Err: why})
	}
}
