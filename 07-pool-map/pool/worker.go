package pool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/06-queue/shm"
)

// A worker is a process that runs tasks, as the pool sees it. Two goroutines belong to it:
// one writes and one reads. If one did both, it could sit in a write to a worker that sits
// in a write to it.
type worker struct {
	pool     *Pool
	process  *process.Task[struct{}]
	conn     *pipe.Conn
	memory   *shm.Memory
	progress *progress
	wake     sync.Cond // of p.mu: there is something to write, or it is to leave

	// What follows is guarded by p.mu.
	jobs     []*job // that it was given, in order, without the tasks that were answered
	unsent   []*job // the last ones of them
	tasks    int    // in jobs
	bytes    int
	given    int // tasks, ever
	answered int
	number   uint32    // of the next task that it is given
	heard    time.Time // when it has said something, or got something to do
	leaving  bool      // it gets nothing more
	stopping bool
	gone     bool

	task  int // see checkTime
	since time.Time
	late  bool
}

// start starts a worker. The caller has counted it in p.starts.
func (p *Pool) start() error {
	w, err := p.newWorker()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.starts--
	if err != nil {
		return err
	}
	p.workers = append(p.workers, w)
	go w.write()
	go w.read()
	if p.why != nil {
		w.stop()
	}
	p.dispatch()
	p.settle()
	return nil
}

func (p *Pool) newWorker() (*worker, error) {
	memory, err := shm.New(os.Getpagesize())
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.serial++
	name := fmt.Sprintf("%s-%d", p.cfg.Name, p.serial)
	p.mu.Unlock()
	w := &worker{
		pool: p, memory: memory, progress: shm.At[progress](memory, 0), wake: sync.Cond{L: &p.mu},
		process: service.New(struct{}{}, process.Config{Name: name, Grace: p.cfg.Grace, Stdout: p.cfg.Stdout, Stderr: p.cfg.Stderr}),
	}
	if err := w.process.Start(); err != nil {
		_ = memory.Close()
		return nil, err
	}
	w.conn = w.process.Conn()
	w.conn.SetLimit(frameLimit)
	_ = w.conn.SendFile(memory.File()) // if it is dead already, read says so
	_ = memory.CloseFile()
	return w, nil
}

func (w *worker) who() string { return fmt.Sprintf("%q (pid %d)", w.process.Name(), w.process.PID()) }

// give gives the worker a job. The caller has p.mu.
func (w *worker) give(j *job) {
	j.number = w.number
	w.number += uint32(j.tasks())
	w.progress.allow(j.number, j.tasks())
	if w.tasks == 0 {
		w.heard = time.Now()
	}
	w.jobs, w.unsent = append(w.jobs, j), append(w.unsent, j)
	w.tasks += j.tasks()
	w.given += j.tasks()
	w.bytes += len(j.args)
	w.wake.Signal()
}

// write sends jobs, as many as there are in one piece, until the worker has gone.
func (w *worker) write() {
	var frame []byte
	for {
		w.pool.mu.Lock()
		for len(w.unsent) == 0 && !w.gone && !(w.leaving && w.tasks == 0) {
			w.wake.Wait()
		}
		if w.gone || len(w.unsent) == 0 {
			w.pool.mu.Unlock()
			_ = w.conn.CloseWrite() // it leaves when it sees that, and all is read
			return
		}
		frame = frame[:0]
		for _, j := range w.unsent {
			frame = appendCall(frame, j)
		}
		w.unsent = nil
		w.pool.mu.Unlock()
		if err := w.conn.SendFrame(frame); err != nil {
			return // it is dead; read knows why
		}
	}
}

// read takes results, until the worker has gone, and then sees to its last things.
func (w *worker) read() {
	var buf []byte
	var err error
	for err == nil {
		if buf, err = w.conn.ReceiveFrameInto(buf); err == nil {
			err = w.hear(buf)
		}
	}
	if errors.Is(err, errNonsense) {
		_ = w.process.Kill()
	}
	how := w.wait(err)
	w.pool.mu.Lock()
	w.gone = true
	if w.leaving && w.tasks == 0 {
		how = errLeft
	}
	w.wake.Signal()
	w.pool.mu.Unlock()
	w.pool.bury(w, how)
	_ = w.conn.Close()
	_ = w.memory.Close()
}

// wait waits for the end of the process, and says what it was. If it has closed its end and
// goes on living, it is helped.
func (w *worker) wait(err error) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if w.process.Join(ctx) != nil {
		_ = w.process.Kill()
		<-w.process.Done()
	}
	if errors.Is(err, errNonsense) {
		return fmt.Errorf("was killed: %w", err)
	}
	if d := w.process.Died(); d != nil {
		return fmt.Errorf("died: %w", d)
	}
	return fmt.Errorf("died: %w", io.ErrUnexpectedEOF)
}

// A result is what has become of a task.
type result struct {
	out []byte
	err error
}

// hear takes the results of a frame to those who wait for them.
func (w *worker) hear(frame []byte) error {
	took, frame, err := readNumber(frame)
	n := 0
	var results []result
	for len(frame) > 0 && err == nil {
		j, first, last := w.current()
		if j == nil {
			return errNonsense // more than it was asked for
		}
		results = results[:0]
		for task := first; task < last && len(frame) > 0 && err == nil; task++ {
			var r result
			if r.out, r.err, frame, err = readResult(frame); err == nil {
				results = append(results, r)
			}
		}
		// First the ledger: who has got his last result may look into it.
		w.count(j, results)
		for i, r := range results {
			if r.err != nil {
				r.err = &TaskError{Task: first + i, Worker: w.who(), Err: r.err}
			}
			j.Result(first+i, r.out, r.err)
		}
		n += len(results)
	}
	if n > 0 {
		p := w.pool
		p.mu.Lock()
		p.open -= n
		p.learn(n, time.Duration(took))
		p.dispatch()
		w.wake.Signal()
		p.settle()
		p.mu.Unlock()
	}
	return err
}

// current returns the job to which the next result belongs, and its tasks.
func (w *worker) current() (j *job, first, last int) {
	w.pool.mu.Lock()
	defer w.pool.mu.Unlock()
	if len(w.jobs) == 0 || w.answered >= int(w.progress.done.Load()) {
		return nil, 0, 0
	}
	return w.jobs[0], w.jobs[0].next, w.jobs[0].end
}

// count notes that results of a job have come.
func (w *worker) count(j *job, results []result) {
	p, n := w.pool, len(results)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range results {
		if r.err == nil {
			p.ledger.Done++
		} else {
			p.ledger.Failed++
		}
	}
	w.answered += n
	w.tasks -= n
	left := skipArgs(j.args, n)
	w.bytes -= len(j.args) - len(left)
	j.next, j.args, j.number = j.next+n, left, j.number+uint32(n)
	w.heard = time.Now()
	if j.tasks() == 0 {
		w.jobs = w.jobs[1:]
		if limit := p.cfg.TasksPerChild; limit > 0 && w.given >= limit && w.tasks == 0 {
			w.letGo()
		}
	}
}
