package pool

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"example.com/multiprocessing/01-pipes/pipe"
)

// A Call is a number of tasks for one function. They go to one worker, one after the other,
// as long as that does not keep them waiting. A Call is submitted once.
type Call struct {
	// Name is that of the function.
	Name string
	// Tasks is how many there are, and Args are their arguments; see AppendArg.
	Tasks int
	Args  []byte
	// First is the number that messages give to the first task.
	First int
	// NoWait makes Submit return ErrFull, instead of waiting for room in the queue.
	NoWait bool
	// Result is called for each task, exactly once, when it has ended: with what the
	// function has returned, encoded, or with a *TaskError. It is called from several
	// goroutines, and must not wait for anything, nor keep out.
	Result func(task int, out []byte, err error)
	// Mutex, if not nil, is locked while Result is called: once for all results that have
	// come together, where Result would have to lock it for each.
	Mutex sync.Locker
	// Awaited says that there is one task, and that Await will be called for it, and soon.
	// Then the result costs less. If it is not, it may come some milliseconds late; see
	// Fetch.
	Awaited bool

	worker      *worker // that has it, if it is Awaited
	needsReader bool    // nobody who waits for it can read
}

func (c *Call) lock() (unlock func()) {
	if c.Mutex == nil {
		return func() {}
	}
	c.Mutex.Lock()
	return c.Mutex.Unlock
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

// cutOff cuts the job off after n tasks, and returns the rest.
func (j *job) cutOff(n int) *job {
	args := skipArgs(j.args, n)
	rest := &job{Call: j.Call, next: j.next + n, end: j.end, args: args, number: j.number + uint32(n), retries: j.retries}
	j.end, j.args = j.next+n, j.args[:len(j.args)-len(args)]
	return rest
}

// Submit gives the tasks to the pool and returns. It is the door that [Map] and all others
// use. If the queue is full, it waits for room, until ctx ends; once the tasks are in, ctx
// has no more to say. See [Pool.Cancel].
func (p *Pool) Submit(ctx context.Context, call *Call) error {
	switch {
	case call.Tasks <= 0:
		return fmt.Errorf("pool: submit %q: %d tasks", call.Name, call.Tasks)
	case len(call.Args) > argsLimit:
		return fmt.Errorf("pool: submit %q: %d bytes of arguments are too much; write a file, and send its name", call.Name, len(call.Args))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.why != nil:
			return fmt.Errorf("pool: submit %q: %w", call.Name, p.why)
		case p.closed:
			return fmt.Errorf("pool: submit %q: %w", call.Name, ErrClosed)
		case p.cfg.QueueLimit == 0 || p.waiting < p.cfg.QueueLimit:
			p.ledger.Submitted += call.Tasks
			p.open += call.Tasks
			p.waiting += call.Tasks
			p.queue = append(p.queue, &job{Call: call, end: call.Tasks, args: call.Args})
			p.dispatch()
			return nil
		case call.NoWait:
			return fmt.Errorf("pool: submit %q: %w: %d tasks wait", call.Name, ErrFull, p.waiting)
		}
		if p.room == nil {
			p.room = make(chan struct{})
		}
		room := p.room
		p.mu.Unlock()
		err := pipe.Await(ctx, room)
		p.mu.Lock()
		if err != nil {
			return fmt.Errorf("pool: submit %q: the queue is full: %w", call.Name, err)
		}
	}
}

// makeRoom wakes those who wait for room.
func (p *Pool) makeRoom() {
	if p.room != nil {
		close(p.room)
		p.room = nil
	}
}

// Cancel takes back the tasks of these calls that were not begun, and returns how many that
// were. Their Result is called with [context.Canceled]. What was begun comes to its end.
func (p *Pool) Cancel(calls ...*Call) int {
	unwanted := make(map[*Call]bool, len(calls))
	for _, call := range calls {
		unwanted[call] = true
	}
	isUnwanted := func(j *job) bool { return unwanted[j.Call] }
	p.mu.Lock()
	for _, w := range p.workers {
		if slices.ContainsFunc(w.jobs, isUnwanted) {
			p.takeBack(w)
		}
	}
	var jobs []*job
	n := 0
	p.queue = slices.DeleteFunc(p.queue, func(j *job) bool {
		if !isUnwanted(j) {
			return false
		}
		jobs = append(jobs, j)
		n += j.tasks()
		return true
	})
	p.ledger.Cancelled += n
	p.waiting -= n
	p.makeRoom()
	p.dispatch()
	p.mu.Unlock()
	for _, j := range jobs {
		p.fail(j, context.Canceled)
	}
	return n
}

// fail tells the tasks of a job, which nobody has any more, what has become of them. The
// ledger has counted them.
func (p *Pool) fail(j *job, err error) {
	j.fail("", err)
	p.closeTasks(j.tasks())
}

func (j *job) fail(worker string, err error) {
	defer j.lock()()
	for task := j.next; task < j.end; task++ {
		j.Result(task, nil, &TaskError{Task: j.First + task, Worker: worker, Err: err})
	}
}

// closeTasks is for tasks of which Result has returned.
func (p *Pool) closeTasks(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open -= n
	p.settle()
}

// A TaskError says which task has failed, and how: Err is a *worker.RemoteError (the
// function has returned an error, or has panicked), a *child.DiedError (its worker died),
// or one of this package's.
type TaskError struct {
	Task   int    // its index in the input of Map or Imap; see Call.First
	Worker string // its name and pid; empty: it had none
	Err    error
}

func (e *TaskError) Error() string {
	if e.Worker == "" {
		return fmt.Sprintf("pool: task %d: %v", e.Task, e.Err)
	}
	return fmt.Sprintf("pool: task %d: worker %s %v", e.Task, e.Worker, e.Err)
}

func (e *TaskError) Unwrap() error { return e.Err }
