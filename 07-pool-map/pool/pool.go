// Package pool runs a function many times, in a few processes: tasks go to whichever worker
// has time, and results come back in the order of the inputs.
//
//	var square = process.Func("square", func(ctx context.Context, x int) (int, error) {
//		return x * x, nil
//	})
//
//	func main() {
//		process.Main() // first
//		p, err := pool.New(pool.Config{})
//		…
//		squares, err := pool.Map(ctx, p, square, []int{1, 2, 3})
//	}
//
// A worker is a process (package process) that runs one task after the other. When it dies,
// that costs the task that it was running, and at most what it had finished in its last 5
// ms and not told yet; everything else is done by the others, and a new worker takes its
// place. (Python's Pool waits for ever for the result of the dead one.)
//
// Guarantees. Every task that was submitted ends in one of five ways, which the [Ledger]
// counts: it is done, it has failed, it was cancelled before it began, it is lost, or the
// pool was terminated. No task is run twice, unless Config.Retry says so. A task's error or
// panic does not cost the worker.
//
// Limits. A task that was begun can only be stopped by killing its worker. Windows:
// [errors.ErrUnsupported].
package pool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
)

var (
	// ErrClosed: Close was called, and nothing can be submitted any more.
	ErrClosed = errors.New("the pool is closed")
	// ErrTerminated: Terminate was called before the task had come to its end.
	ErrTerminated = errors.New("the pool was terminated")
	// ErrBroken: worker after worker has died, and none has finished a task. The error says
	// how the last one died.
	ErrBroken = errors.New("the pool is broken")
	// ErrFull: as many tasks wait as Config.QueueLimit allows.
	ErrFull = errors.New("the queue is full")
	// ErrLost: the task was finished, and its worker died before the result had come. What
	// it has done is done; what it has returned is not known.
	ErrLost = errors.New("the task was finished, and its result is lost")
	// ErrTimeLimit: the task took longer than Config.TaskTimeout, and its worker was killed.
	ErrTimeLimit = errors.New("the task has reached its time limit")
)

// A Config says how a pool is to be. Its zero value is useful.
type Config struct {
	// Workers is how many processes there are. 0 means one for each processor that this
	// process may use (runtime.GOMAXPROCS(0)), and one in a process that is itself a worker
	// of a pool or was started by package process. How deep pools may be nested is
	// limited by process.MaxDepth. Each worker uses its share of this process's processors
	// (runtime.GOMAXPROCS), at least one.
	Workers int

	// Name is what errors, logs, ps and top call the workers, with a number behind it.
	// Empty means "worker".
	Name string

	// Initializer is called in each worker before its first task; see [Init]. If it fails,
	// that counts as the death of the worker. It has no time limit: TaskTimeout is for
	// tasks. The zero value means that there is none.
	Initializer Initializer

	// TasksPerChild is after how many tasks a worker is replaced by a new one; 0 means
	// never.
	TasksPerChild int

	// Idle is after how long without a task a worker goes. It comes back, as a new one,
	// when there is something to do. 0 means never.
	Idle time.Duration

	// QueueLimit is how many tasks may wait for a worker that has time; then Submit, Map
	// and Imap wait. (A call of many tasks is let in when there is room for its first one.)
	// 0 means that there is no limit.
	QueueLimit int

	// Retry is how often a task is run again that was running when its worker died, or that
	// is lost. 0 means never: it may have done half of its work.
	Retry int

	// TaskTimeout is how long a task may take, from the moment in which it begins. Then its
	// worker is killed. 0 means as long as it likes.
	TaskTimeout time.Duration

	// Grace is how long a worker has to go when it is told to: 0 means child.DefaultGrace,
	// 2 s; negative means none.
	Grace time.Duration

	// Stdout and Stderr are where the output of the workers goes; nil means to this
	// process's own.
	Stdout, Stderr io.Writer

	// Output, if not nil, gets each line that a worker prints, instead, and which task it
	// belongs to. It is called from one goroutine at a time, and should not wait: the
	// worker that prints would wait with it. All lines have come when Join returns.
	Output func(Line)
}

// A Ledger says what has become of the tasks: Submitted is the sum of the others when the
// pool has ended.
type Ledger struct {
	Submitted  int
	Done       int // a result has come
	Failed     int // an error has come, or the worker died with it
	Cancelled  int // it never began
	Lost       int // see ErrLost
	Terminated int // see ErrTerminated
}

// A Pool has workers. All methods are safe for concurrent use.
type Pool struct {
	cfg     Config
	service *process.Target[birth, struct{}]
	output  sync.Mutex // held while Config.Output is called

	mu      sync.Mutex
	workers []*worker
	queue   []*job        // not sent to anybody yet
	waiting int           // tasks in queue
	room    chan struct{} // closed when waiting becomes less, if somebody has asked for that
	ledger  Ledger
	serial  int // of the last worker
	pace    time.Duration
	deaths  Deaths
	dead    int // workers, that have died
	closed  bool
	why     error         // Terminate was called, or the pool is broken
	open    int           // tasks that have not ended
	starts  int           // workers that are being started
	looking bool          // see lookForWork
	gone    chan struct{} // closed, no task is open, no worker is left
	ended   chan struct{} // … and nothing is to be called later

	callbacks
}

// New makes a pool and starts its workers, without waiting for them. It fails if
// process.Main was not called, and where processes of functions are not supported. Close it
// when no more tasks come; when this process ends, its workers do too, in any case.
func New(cfg Config) (*Pool, error) { return newPool(cfg, service) }

func newPool(cfg Config, service *process.Target[birth, struct{}]) (*Pool, error) {
	switch {
	case cfg.Workers < 0 || cfg.TasksPerChild < 0 || cfg.Idle < 0 || cfg.QueueLimit < 0 || cfg.Retry < 0 || cfg.TaskTimeout < 0:
		return nil, errors.New("pool: new: a number in the config is negative")
	case cfg.Output != nil && (cfg.Stdout != nil || cfg.Stderr != nil):
		return nil, errors.New("pool: new: Output takes what Stdout or Stderr would get; choose one")
	case cfg.Initializer.err != nil:
		return nil, fmt.Errorf("pool: new: the argument of the initializer %q: %w", cfg.Initializer.name, cfg.Initializer.err)
	case cfg.Workers == 0 && process.Current().Depth > 0:
		cfg.Workers = 1
	case cfg.Workers == 0:
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	if cfg.Name == "" {
		cfg.Name = "worker"
	}
	p := &Pool{cfg: cfg, service: service, gone: make(chan struct{}), ended: make(chan struct{}), pace: window}
	// The first one here: what is wrong with it is wrong with all.
	p.starts++
	if err := p.start(); err != nil {
		return nil, fmt.Errorf("pool: new: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.startMissing(cfg.Workers)
	if cfg.TaskTimeout > 0 {
		go p.watch()
	}
	return p, nil
}

// An Initializer is what a worker does before its first task: load a model, open a
// database. [Init] makes one.
type Initializer struct {
	name string
	arg  []byte
	err  error
}

// Init makes an [Initializer] that calls fn with this argument. What it returns besides an
// error is not used: it leaves what it has made in variables of the worker.
func Init[In, Out any](fn Callable[In, Out], in In) Initializer {
	arg, err := fn.Append(nil, in)
	return Initializer{fn.Name(), arg, err}
}

// settle lets workers go that are not needed any more, and ends the pool when all have gone.
func (p *Pool) settle() {
	if !p.closed || p.open > 0 {
		return
	}
	for _, w := range p.workers {
		w.letGo()
	}
	if len(p.workers) > 0 || p.starts > 0 {
		return
	}
	closeOnce(p.gone)
	if len(p.later) == 0 && p.caller == 0 {
		closeOnce(p.ended)
	}
}

// closeOnce closes a channel that may be closed already. The caller has the lock.
func closeOnce(c chan struct{}) {
	if !isClosed(c) {
		close(c)
	}
}

// Close says that no more tasks will come. What was submitted is done. It does not wait; see
// Join. A second Close does nothing.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.makeRoom()
	p.settle()
}

// Join waits, after Close or Terminate, until all tasks have ended, all that was given to
// Later has been called, and all workers have gone, and returns what has become of the
// tasks. If ctx ends before, it returns [pipe.ErrTimeout] or the context's cause, with the
// Ledger of this moment. Without Close it waits for somebody to call that.
//
// The error also has what was reported, see [Pool.Report], and panics of functions that
// were given to Later. In such a function, Join does not wait for it or for those that come
// after it.
func (p *Pool) Join(ctx context.Context) (Ledger, error) {
	end := p.ended
	if p.inLater() {
		end = p.gone
	}
	if err := pipe.Await(ctx, end); err != nil {
		return p.Ledger(), fmt.Errorf("pool: join: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.ledger
	if sum := l.Done + l.Failed + l.Cancelled + l.Lost + l.Terminated; sum != l.Submitted {
		return l, fmt.Errorf("pool: join: the ledger is wrong, and so is this package: %d tasks have ended, %d were submitted", sum, l.Submitted)
	}
	return l, p.reported()
}

// Ledger returns what has become of the tasks by now.
func (p *Pool) Ledger() Ledger {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ledger
}

// Workers returns how many processes there are at most, as the config says.
func (p *Pool) Workers() int { return p.cfg.Workers }

// Terminate ends the pool at once: tasks that have not ended get [ErrTerminated], and the
// workers are told to go, and killed if they have not gone within the grace. It does what
// Close does, and waits as Join does.
func (p *Pool) Terminate(ctx context.Context) (Ledger, error) {
	p.abandon(ErrTerminated)
	return p.Join(ctx)
}

// abandon ends everything, for this reason.
func (p *Pool) abandon(why error) {
	p.mu.Lock()
	p.closed = true
	if p.why == nil {
		p.why = why
	}
	why = p.why
	jobs := p.queue
	p.queue, p.waiting = nil, 0
	for _, j := range jobs {
		p.countAbandoned(why, j.tasks())
	}
	for _, w := range p.workers {
		w.stop()
	}
	p.makeRoom()
	p.settle()
	p.mu.Unlock()
	for _, j := range jobs {
		p.fail(j, why)
	}
}

func (p *Pool) countAbandoned(why error, tasks int) {
	if errors.Is(why, ErrTerminated) {
		p.ledger.Terminated += tasks
	} else {
		p.ledger.Failed += tasks
	}
}

// With makes a pool, calls use with it, and closes and joins it. If use returns an error, or
// ctx ends, the pool is terminated instead.
func With(ctx context.Context, cfg Config, use func(*Pool) error) (Ledger, error) {
	p, err := New(cfg)
	if err != nil {
		return Ledger{}, err
	}
	returned := false
	defer func() {
		if !returned { // it has panicked
			p.abandon(ErrTerminated)
		}
	}()
	err = use(p)
	returned = true
	if err != nil {
		ledger, _ := p.Terminate(context.WithoutCancel(ctx))
		return ledger, err
	}
	p.Close()
	ledger, err := p.Join(ctx)
	if err != nil {
		ledger, _ = p.Terminate(context.WithoutCancel(ctx))
	}
	return ledger, err
}
