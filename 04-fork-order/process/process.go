package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/03-persistent-worker/child"
)

// DefaultStartTimeout is how long a new process has to say that it is there.
const DefaultStartTimeout = 30 * time.Second

// A Config says how a process is to run. The zero value is useful.
type Config struct {
	// Name is what errors, logs, ps and top call it; ps has all of it, top the
	// first 15 bytes. Empty means the name of the function and a number.
	Name string

	// Grace is how long the process has to go when it is told to: 0 means
	// child.DefaultGrace, 2 s; negative means none. See Stop.
	Grace time.Duration

	// StartTimeout is how long the new process may take to call Main: 0 means
	// DefaultStartTimeout, 30 s; negative means for ever.
	StartTimeout time.Duration

	// CPUs, if not empty, are the numbers of the processors that the process may
	// use, from its start on, and all that it starts. [errors.ErrUnsupported]
	// where the system has no such thing; it is Linux that has.
	CPUs []int

	// Env is added to the environment of this process, as KEY=value. Dir is the
	// working directory; empty means that of this process.
	Env []string
	Dir string

	// Stdout and Stderr are where its output goes. nil means to this process's
	// own. A file becomes the process's own stdout; any other Writer gets what
	// comes through a pipe. Of stderr a copy of the end is kept for errors, see
	// [child.DiedError]. Stdin is empty.
	Stdout, Stderr io.Writer

	// Running, if not nil, is called by [Target.Run] when the process is there, which
	// nobody else could tell; with [Target.New] you have the Process and ask that.
	Running func(pid int)
}

// A Process is a function that runs, will run, or has run in a process of its own.
// All methods are safe for concurrent use.
type Process struct {
	target *registration
	name   string
	id     int64 // of this object, for the log
	cfg    Config
	input  func() ([]byte, error)
	inline bool

	mu      sync.Mutex
	begun   bool
	told    bool // to stop, by one of our methods
	running running
	front   *pipe.Conn // the frontend's end of a service
	shown   bool       // to the caller, who closes it then

	wasReady atomic.Bool
	ready    chan struct{} // the new process has said that it is there, or will not any more
	answered chan struct{} // what became of the function is known
	out      outcome       // valid when answered is closed
	done     chan struct{} // the process is gone, and all is cleaned up
}

// running is what is different between a process and a goroutine.
type running interface {
	pid() int
	terminate()
	kill()
	stop() // begin to stop
	exitCode() int
	died() *child.DiedError
	SyscallConn() (syscall.RawConn, error)
}

var objects atomic.Int64

func newProcess(r *registration, input func() ([]byte, error), cfg Config, inline bool) *Process {
	if cfg.Name == "" {
		cfg.Name = fmt.Sprintf("%s-%d", r.name, r.count.Add(1))
	}
	p := &Process{
		target: r, name: cfg.Name, id: objects.Add(1), cfg: cfg, input: input, inline: inline,
		ready: make(chan struct{}), answered: make(chan struct{}), done: make(chan struct{}),
	}
	p.log("created", "target", r.name, "by", Current().Name)
	return p
}

// Start starts the process and returns; it does not wait until the new process
// runs, see Ready. A Process can be started once.
//
// It fails if [Main] was not called in this program, if the argument cannot be
// encoded, if processes have started processes to a depth of [MaxDepth], and if
// the system has no room for another process. What goes wrong later, in the new
// process, is told by [Task.Result] and Err.
func (p *Process) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.begun {
		return fmt.Errorf("process: %q was started already; make a new one, with New", p.name)
	}
	p.begun = true
	p.log("received", "what", "Start", "from", Current().Name)
	err := p.start()
	if err != nil {
		err = fmt.Errorf("process: start %q: %w", p.name, err)
		p.out.err = err
		close(p.ready)
		close(p.answered)
		close(p.done)
	}
	return err
}

func (p *Process) start() error {
	in, err := p.input()
	if err != nil {
		return err
	}
	if err := tooLarge("its argument", in); err != nil {
		return err
	}
	var back *pipe.Conn
	if p.target.service {
		if p.front, back, err = pipe.Pair(); err != nil {
			return err
		}
	}
	if p.inline {
		p.running = startInline(p, in, back)
		return nil
	}
	p.running, err = spawn(p, in, back)
	if back != nil {
		_ = back.Close() // the child has its own; a second copy here would hide its end
	}
	if err != nil && p.front != nil {
		_ = p.front.Close()
	}
	return err
}

var errNotStarted = errors.New("not started")

func (p *Process) started() (running, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running == nil {
		return nil, fmt.Errorf("process: %q: %w", p.name, errNotStarted)
	}
	return p.running, nil
}

// Name returns its name.
func (p *Process) Name() string { return p.name }

// PID returns the number of the process, 0 before Start. It is for messages: after
// Done it may belong to a stranger.
func (p *Process) PID() int {
	r, err := p.started()
	if err != nil {
		return 0
	}
	return r.pid()
}

// Conn returns the frontend's end of the pipe of a [Service]; nil before Start and
// if the process is not a service. Who has called Conn closes it in the end, since
// what the process has said before it ended can be read from it afterwards. Stop
// closes it for writing.
func (p *Process) Conn() *pipe.Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shown = true
	return p.front
}

// closeWrite is the first thing that Stop does.
func (p *Process) closeWrite() {
	p.mu.Lock()
	front := p.front
	p.mu.Unlock()
	if front != nil {
		_ = front.CloseWrite()
	}
}

// finish publishes that the process is gone.
func (p *Process) finish(exit int) {
	p.mu.Lock()
	if p.front != nil && !p.shown {
		_ = p.front.Close()
	}
	p.mu.Unlock()
	p.log("destroyed", "exit", exit)
	close(p.done)
}

// Ready waits until the new process has understood what it is to do. It returns
// nil then, the error of the process if it will never come to that, and
// [pipe.ErrTimeout] or the context's cause if ctx ends before.
func (p *Process) Ready(ctx context.Context) error {
	if _, err := p.started(); err != nil {
		return err
	}
	if err := p.wait(ctx, p.ready, "ready"); err != nil {
		return err
	}
	if p.wasReady.Load() {
		return nil
	}
	return p.out.err // known before ready is closed
}

// Join waits until the process has ended, and returns nil then, however it has
// ended. If ctx ends before, it returns [pipe.ErrTimeout] or the context's cause,
// and the process goes on; IsAlive tells the two apart as well.
func (p *Process) Join(ctx context.Context) error {
	if _, err := p.started(); err != nil {
		return err
	}
	return p.wait(ctx, p.done, "join")
}

func (p *Process) wait(ctx context.Context, what <-chan struct{}, op string) error {
	if err := pipe.Await(ctx, what); err != nil {
		return fmt.Errorf("process: %s %q: %w", op, p.name, err)
	}
	return nil
}

// Done returns a channel that is closed when the process has ended and everything
// is cleaned up behind it, or when Start has failed.
func (p *Process) Done() <-chan struct{} { return p.done }

// IsAlive tells whether the process was started and has not ended.
func (p *Process) IsAlive() bool {
	if _, err := p.started(); err != nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// ExitCode returns the exit code, and whether there is one: not before the end.
// 0 is a normal end; positive is what the program has said, see [ExitError] and
// [ExitPanic]; negative is minus the number of the signal that ended it.
func (p *Process) ExitCode() (code int, ended bool) {
	r, err := p.started()
	if err != nil || p.IsAlive() {
		return 0, false
	}
	return r.exitCode(), true
}

// Died returns how the process has ended, with its use of memory and processors
// and the end of its stderr. It is nil before the end, and after Inline.
func (p *Process) Died() *child.DiedError {
	r, err := p.started()
	if err != nil || p.IsAlive() {
		return nil
	}
	return r.died()
}

// Err returns how the function has ended, nil if it has returned without an
// error, and also nil as long as that is not known. See [Task.Result].
func (p *Process) Err() error {
	select {
	case <-p.answered:
		return p.out.err
	default:
		return nil
	}
}

// Stop tells the process to go, and waits until it has gone. First nothing more
// will come through its pipe, and the context of the function ends; after a tenth
// of the grace it gets SIGTERM, and when the grace is over, SIGKILL. So it is over
// when the grace is, whatever the function does.
//
// It returns nil when the process has ended, however. If ctx ends before, it
// returns [pipe.ErrTimeout] or the context's cause, and the process goes on
// being stopped. Calling it again does no harm.
func (p *Process) Stop(ctx context.Context) error {
	r, err := p.tell("Stop")
	if err != nil {
		return err
	}
	r.stop()
	return p.wait(ctx, p.done, "stop")
}

// Terminate sends SIGTERM, and does not wait. The context of the function ends; if
// the function has not returned after half of the grace, the process ends without
// it. It returns an error only if the process was not started.
func (p *Process) Terminate() error {
	r, err := p.tell("Terminate")
	if err == nil {
		r.terminate()
	}
	return err
}

// Kill ends the process, and all that it has started, at once, with SIGKILL. It
// does not wait. It returns an error only if the process was not started.
func (p *Process) Kill() error {
	r, err := p.tell("Kill")
	if err == nil {
		r.kill()
	}
	return err
}

func (p *Process) tell(what string) (running, error) {
	r, err := p.started()
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.told = true
	p.mu.Unlock()
	p.log("received", "what", what, "from", Current().Name)
	return r, nil
}

func (p *Process) wasTold() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.told
}

// SyscallConn makes a Process a source for a selector of lesson 02: it is ready
// when the process has ended.
func (p *Process) SyscallConn() (syscall.RawConn, error) {
	r, err := p.started()
	if err != nil {
		return nil, err
	}
	return r.SyscallConn()
}

// Buffered returns 0; it belongs to SyscallConn.
func (p *Process) Buffered() int { return 0 }

// answer publishes what became of the function, once.
func (p *Process) answer(o outcome) {
	p.out = o
	if o.err == nil {
		p.log("received", "what", "Returned", "from", p.name, "bytes", len(o.value))
	} else {
		p.log("received", "what", "Failed", "from", p.name, "error", firstLine(o.err.Error()))
	}
	close(p.answered)
}

// who puts the name of the process before an error from it.
func (p *Process) who(pid int) func(error) error {
	return func(err error) error {
		if pid == os.Getpid() {
			return fmt.Errorf("process: %q (inline): %w", p.name, err)
		}
		return fmt.Errorf("process: %q (pid %d): %w", p.name, pid, err)
	}
}

// A Task is a [Process] with a result of a known type.
type Task[Out any] struct {
	*Process
}

func newTask[Out any](r *registration, input func() ([]byte, error), cfg Config, inline bool) *Task[Out] {
	return &Task[Out]{newProcess(r, input, cfg, inline)}
}

// Result waits until the function has returned, and returns what it has returned;
// the process may need another moment to end, see Join. Errors:
//
//	*worker.RemoteError  the function has failed, or panicked: then with its stack
//	ErrAborted           it was told to stop, and did
//	*child.DiedError     the process ended before the function had: os.Exit, a signal
//	pipe.ErrTimeout      ctx has ended; or what its cause is. The process goes on
//
// Any number of goroutines may ask, again and again; each gets a value of its own.
func (t *Task[Out]) Result(ctx context.Context) (Out, error) {
	var zero Out
	t.mu.Lock()
	begun := t.begun
	t.mu.Unlock()
	if !begun {
		return zero, fmt.Errorf("process: %q: %w", t.name, errNotStarted)
	}
	if err := t.wait(ctx, t.answered, "result of"); err != nil {
		return zero, err
	}
	if t.out.err != nil {
		return zero, t.out.err
	}
	out, err := Decode[Out](t.out.value)
	if err != nil {
		return zero, fmt.Errorf("process: %q: its result: %w", t.name, err)
	}
	return out, nil
}
