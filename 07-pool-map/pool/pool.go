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
// Limits. What the functions print goes where this process's output goes. Windows:
// [errors.ErrUnsupported].
package pool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
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
	// of a pool or was started by package process.
	Workers int

	// Name is what errors, logs, ps and top call the workers, with a number behind it.
	// Empty means "worker".
	Name string

	// TasksPerChild is after how many tasks a worker is replaced by a new one; 0 means
	// never.
	TasksPerChild int

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
	cfg Config

	mu      sync.Mutex
	workers []*worker
	queue   []*job // not sent to anybody yet
	ledger  Ledger
	serial  int // of the last worker
	pace    time.Duration
	deaths  []time.Time // since a task was finished
	closed  bool
	why     error         // Terminate was called, or the pool is broken
	open    int           // tasks that have not ended
	starts  int           // workers that are being started
	looking bool          // see lookForWork
	ended   chan struct{} // closed, no task is open, no worker is left
}

// New makes a pool and starts its workers, without waiting for them. It fails if
// process.Main was not called, and where processes of functions are not supported. Close it
// when no more tasks come; when this process ends, its workers do too, in any case.
func New(cfg Config) (*Pool, error) {
	switch {
	case cfg.Workers < 0 || cfg.TasksPerChild < 0 || cfg.Retry < 0 || cfg.TaskTimeout < 0:
		return nil, fmt.Errorf("pool: %+v: a number is negative", cfg)
	case cfg.Workers == 0 && process.Current().Depth > 0:
		cfg.Workers = 1
	case cfg.Workers == 0:
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	if cfg.Name == "" {
		cfg.Name = "worker"
	}
	p := &Pool{cfg: cfg, ended: make(chan struct{}), pace: window}
	// The first one here: what is wrong with it is wrong with all.
	p.starts++
	if err := p.start(); err != nil {
		return nil, fmt.Errorf("pool: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.replace()
	if cfg.TaskTimeout > 0 {
		go p.watch()
	}
	return p, nil
}

// A Call is a number of tasks for one function. They go to one worker, one after the other.
type Call struct {
	// Name is that of the function.
	Name string
	// Tasks is how many there are, and Args are their arguments; see AppendArg.
	Tasks int
	Args  []byte
	// Result is called for each task, exactly once, when it has ended: with what the
	// function has returned, encoded, or with an error. It is called from several
	// goroutines, and must not wait for anything, nor keep out.
	Result func(task int, out []byte, err error)
}

// A job is a call, or what is left of it.
type job struct {
	*Call
	next, end int    // the tasks that are left: from this one on, and before that one
	args      []byte // theirs
	number    uint32 // of the first one, for the worker that has it; see progress
	retries   int
}

func (j *job) tasks() int { return j.end - j.next }

// Submit gives the tasks to the pool and returns. It is the door that [Map] and all others
// use. cancel takes back what was not given to a worker yet, and tells whether that was all
// of it; then Result is called with [context.Canceled].
func (p *Pool) Submit(call *Call) (cancel func() bool, err error) {
	if call.Tasks <= 0 {
		return nil, fmt.Errorf("pool: submit %q: %d tasks", call.Name, call.Tasks)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.why != nil:
		return nil, fmt.Errorf("pool: submit %q: %w", call.Name, p.why)
	case p.closed:
		return nil, fmt.Errorf("pool: submit %q: %w", call.Name, ErrClosed)
	}
	j := &job{Call: call, end: call.Tasks, args: call.Args}
	p.ledger.Submitted += call.Tasks
	p.open += call.Tasks
	p.queue = append(p.queue, j)
	p.dispatch()
	return func() bool { return p.cancel(j) }, nil
}

func (p *Pool) cancel(j *job) bool {
	p.mu.Lock()
	i := slices.Index(p.queue, j)
	if i < 0 {
		p.mu.Unlock()
		return false
	}
	p.queue = slices.Delete(p.queue, i, i+1)
	p.ledger.Cancelled += j.tasks()
	p.mu.Unlock()
	p.fail(j, context.Canceled)
	return true
}

// fail tells the tasks of a job, which nobody has any more, what has become of them. The
// ledger has counted them.
func (p *Pool) fail(j *job, err error) {
	for task := j.next; task < j.end; task++ {
		j.Result(task, nil, &TaskError{Task: task, Err: err})
	}
	p.closeTasks(j.tasks())
}

// closeTasks is for tasks of which Result has returned.
func (p *Pool) closeTasks(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open -= n
	p.settle()
}

// settle lets workers go that are not needed any more, and ends the pool when all have gone.
func (p *Pool) settle() {
	if !p.closed || p.open > 0 {
		return
	}
	for _, w := range p.workers {
		w.letGo()
	}
	if len(p.workers) == 0 && p.starts == 0 {
		select {
		case <-p.ended:
		default:
			close(p.ended)
		}
	}
}

// Close says that no more tasks will come. What was submitted is done. It does not wait; see
// Join. A second Close does nothing.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.settle()
}

// Join waits, after Close or Terminate, until all tasks have ended and all workers have
// gone, and returns what has become of the tasks. If ctx ends before, it returns
// [pipe.ErrTimeout] or the context's cause, with the Ledger of this moment. Without Close it
// waits for somebody to call that.
func (p *Pool) Join(ctx context.Context) (Ledger, error) {
	select {
	case <-p.ended:
		return p.Ledger(), nil
	default:
	}
	select {
	case <-p.ended:
		return p.Ledger(), nil
	case <-ctx.Done():
		return p.Ledger(), fmt.Errorf("pool: join: %w", pipe.Cause(ctx))
	}
}

// Ledger returns what has become of the tasks by now.
func (p *Pool) Ledger() Ledger {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ledger
}

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
	p.queue = nil
	for _, j := range jobs {
		p.countAbandoned(why, j.tasks())
	}
	for _, w := range p.workers {
		w.stop()
	}
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

// A TaskError says which task has failed, and how: Err is a *worker.RemoteError (the
// function has returned an error, or has panicked), a *child.DiedError (its worker died),
// or one of this package's.
type TaskError struct {
	Task   int    // its index in the call, or in the input of Map
	Worker string // its name and pid; empty: it had none
	Err    error
}

func (e *TaskError) Error() string {
	if e.Worker == "" {
		return fmt.Sprintf("pool: task %d: %v", e.Task, e.Err)
	}
	return fmt.Sprintf("pool: task %d: %s: %v", e.Task, e.Worker, e.Err)
}

func (e *TaskError) Unwrap() error { return e.Err }
