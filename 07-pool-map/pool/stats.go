package pool

// Stats are what a pool looks like at a moment.
type Stats struct {
	Workers []WorkerStats // that are alive
	Waiting int           // tasks that no worker has
	Started int           // workers, ever
	Deaths  int           // workers that have died, and were not told to go
}

// WorkerStats are what a worker looks like at a moment.
type WorkerStats struct {
	Name string
	PID  int
	Func string // what it is running; empty: nothing
	Task int    // as in TaskError
	Has  int    // tasks that it was given and that have not ended, with the running one
}

// Stats returns what the pool looks like now. It asks no worker: what they are at stands in
// the memory that they share with the pool.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := Stats{Waiting: p.waiting, Started: p.serial, Deaths: p.dead}
	for _, w := range p.workers {
		ws := WorkerStats{Name: w.process.Name(), PID: w.process.PID(), Has: w.tasks}
		ws.Func, ws.Task = w.running()
		s.Workers = append(s.Workers, ws)
	}
	return s
}

// running returns what the worker is at. The caller has p.mu.
func (w *worker) running() (function string, task int) {
	done := int(w.progress.done.Load()) - w.answered // results of these have not come
	from := w.progress.begun()
	for _, j := range w.jobs {
		if begun := w.begun(j, from); done < begun {
			return j.Name, j.First + j.next + done
		}
		done -= j.tasks()
	}
	return "", 0
}
