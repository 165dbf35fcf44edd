package pool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/03-persistent-worker/child"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/06-queue/shm"
)

// A worker is a process that runs tasks, as the pool sees it. Two goroutines belong to it:
// one writes and one reads. If one did both, it could sit in a write to a worker that sits
// in a write to it. (Now and then somebody else reads: see lead.go.)
type worker struct {
	pool     *Pool
	process  *process.Task[struct{}]
	conn     *pipe.Conn
	memory   *shm.Memory
	progress *progress
	wake     sync.Cond // of p.mu: there is something to write, or it is to leave
	liners   []*liner  // if the pool has an Output
	reading

	// What follows is guarded by p.mu.
	jobs     []*job // that it was given, in order, without the tasks that were answered
	unsent   []*job // the last ones of them
	tasks    int    // in jobs
	bytes    int
	given    int // tasks, ever
	answered int
	number   uint32    // of the next task that it is given
	heard    time.Time // when it has said something, or got something to do
	ready    bool      // for its first task
	silent   bool      // what it has not begun in time was taken back, and it has said nothing since
	writing  bool      // its goroutine does
	leaving  bool      // it gets nothing more
	stopping bool
	gone     bool
	idle     *time.Timer // see rest
	frame    []byte      // memory for sendUnsent

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
	w := &worker{pool: p, memory: memory, progress: shm.At[progress](memory, 0), wake: sync.Cond{L: &p.mu}, reading: reading{duty: make(chan struct{}, 1)}}
	b := birth{Init: p.cfg.Initializer.name, Arg: p.cfg.Initializer.arg, Marks: p.cfg.Output != nil}
	b.Procs = max(runtime.GOMAXPROCS(0)/p.cfg.Workers, 1)
	cfg := process.Config{Name: name, Grace: p.cfg.Grace, Stdout: p.cfg.Stdout, Stderr: p.cfg.Stderr}
	if p.cfg.Output != nil {
		stdout, stderr := &liner{tell: w.tell}, &liner{tell: w.tell, line: Line{Stderr: true}}
		w.liners = []*liner{stdout, stderr}
		cfg.Stdout, cfg.Stderr = stdout, stderr
	}
	w.process = p.service.New(b, cfg)
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

// tell hands a line to Config.Output.
func (w *worker) tell(line Line) {
	line.Worker, line.PID = w.process.Name(), w.process.PID()
	w.pool.output.Lock()
	defer w.pool.output.Unlock()
	w.pool.cfg.Output(line)
}

func (w *worker) who() string { return fmt.Sprintf("%q (pid %d)", w.process.Name(), w.process.PID()) }

// give gives the worker a job. The caller has p.mu.
func (w *worker) give(j *job) {
	j.number = w.number
	w.number += uint32(j.tasks())
	w.progress.allow(j.number, j.tasks())
	free := w.tasks == 0
	if free {
		w.heard = time.Now()
	}
	if w.idle != nil {
		w.idle.Stop()
	}
	if j.Awaited {
		j.worker = w
	}
	if !free || !j.Awaited || j.needsReader {
		w.callReader()
	}
	w.jobs, w.unsent = append(w.jobs, j), append(w.unsent, j)
	w.tasks += j.tasks()
	w.given += j.tasks()
	w.bytes += len(j.args)
	if free && len(w.unsent) == 1 && len(j.args) <= smallJob && !w.writing {
		w.sendUnsent() // it has read all that it got, so this does not wait; and nobody has to be woken
		return
	}
	w.wake.Signal()
}

const smallJob = 4 << 10 // bytes

// sendUnsent sends a small job without waiting. What goes wrong, read will find.
func (w *worker) sendUnsent() {
	w.frame = appendCall(w.frame[:0], w.unsent[0])
	w.unsent = w.unsent[:0]
	_ = w.conn.SendFrame(w.frame)
}

// mayWrite tells whether there is something to do for write. The caller has p.mu.
func (w *worker) mayWrite() bool {
	return len(w.unsent) > 0 || w.gone || w.leaving && w.tasks == 0
}

// write sends jobs, as many as there are in one piece, until the worker has gone.
func (w *worker) write() {
	var frame []byte
	for {
		w.pool.mu.Lock()
		w.writing = false
		for !w.mayWrite() {
			w.wake.Wait()
		}
		if w.gone || len(w.unsent) == 0 {
			w.pool.mu.Unlock()
			_ = w.conn.CloseWrite() // it leaves when it sees that, and all is read
			return
		}
		if frame = frame[:0]; cap(frame) > muchMemory {
			frame = nil
		}
		for _, j := range w.unsent {
			frame = appendCall(frame, j)
		}
		w.unsent = nil
		w.writing = true
		w.pool.mu.Unlock()
		if err := w.conn.SendFrame(frame); err != nil {
			return // it is dead; read knows why
		}
	}
}

// read takes results, until the worker has gone, and then sees to its last things.
func (w *worker) read() {
	var err error
	for err == nil {
		if err = w.takeDuty(); err == nil {
			err = w.readOne()
		}
	}
	if errors.Is(err, pipe.ErrTooLarge) {
		err = errNonsense
	}
	if errors.Is(err, errNonsense) {
		_ = w.process.Kill()
	}
	how := w.wait(err)
	for _, l := range w.liners {
		l.flush()
	}
	w.pool.mu.Lock()
	w.gone = true
	if w.leaving && w.tasks == 0 {
		how = errLeft
	}
	if w.idle != nil {
		w.idle.Stop()
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
	if w.process.Err() != nil {
		if _, ok := errors.AsType[*child.DiedError](w.process.Err()); !ok {
			return fmt.Errorf("has ended: %w", w.process.Err()) // it says itself what was wrong
		}
	}
	if d := w.process.Died(); d != nil {
		shown := *d
		shown.StderrTail = withoutMarks(d.StderrTail)
		return &fate{"died: " + d.Status(), []error{&shown}}
	}
	return fmt.Errorf("died: %w", io.ErrUnexpectedEOF)
}

// rest begins to wait for the next job, but not for ever if Config.Idle says so.
func (w *worker) rest() {
	p := w.pool
	if limit := p.cfg.TasksPerChild; limit > 0 && w.given >= limit {
		w.letGo()
	}
	if p.cfg.Idle == 0 {
		return
	}
	if w.idle != nil {
		w.idle.Reset(p.cfg.Idle)
		return
	}
	w.idle = time.AfterFunc(p.cfg.Idle, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if w.tasks == 0 && time.Since(w.heard) >= p.cfg.Idle { // it may have got something in this moment
			w.letGo()
		}
	})
}
