// Package process runs a Go function in a process of its own, as easily as the go
// statement runs it in a goroutine.
//
// A function is registered under a name, at package level:
//
//	var square = process.Func("square", func(ctx context.Context, x int) (int, error) {
//		return x * x, nil
//	})
//
//	func main() {
//		process.Main() // first
//		task := square.New(12, process.Config{})
//		err := task.Start()
//		…
//		y, err := task.Result(ctx)
//	}
//
// There is no fork in it. [Process.Start] starts this same program again; there
// [Main] finds that it is to be the function, runs it, sends what it returns and
// ends the process. So every variable of the program is fresh in the new process,
// as its initialisation made it: nothing that the parent has changed since is
// there. What the function needs to know is in its argument.
//
// Guarantees. Start may be called from any goroutine at any time, with locks
// held and threads running; there is no order to keep. Results, errors and panics
// come back. Whatever ends the process, the parent is told what it was, and soon.
// When the parent ends, in any way, its processes and theirs are gone within a
// second; package child has the details and the limits.
//
// Limits. What the function prints to stdout goes where the parent's stdout goes.
// It is no good for starting a process for each of many small tasks: one start
// costs as much as a hundred messages, or more. Lesson 07 has a pool.
//
// On Windows, Start returns [errors.ErrUnsupported]; [Target.Inline] works.
package process

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"

	"example.com/multiprocessing/01-pipes/pipe"
)

// A Target is a registered function. It is safe for concurrent use.
type Target[In, Out any] struct {
	*registration
}

// A registration is what the program knows of a function by its name.
type registration struct {
	name    string
	service bool
	in, out reflect.Type
	count   atomic.Int64 // for the names of its processes

	// invoke decodes the argument, calls the function, and appends the encoded result.
	invoke func(ctx context.Context, b, in []byte, c *pipe.Conn) ([]byte, error)

	// call is for the command line: an In, and an Out.
	call func(ctx context.Context, in any) (any, error)
}

var registry = struct {
	sync.RWMutex
	byName map[string]*registration
}{byName: map[string]*registration{}}

// Func registers a function that takes one argument and returns one result. Call
// it at package level, in a variable declaration or in an init function: a new
// process knows what it has registered before main begins, and nothing else. (A
// function that mentions its own Target needs init: Go takes the declaration for
// an initialisation cycle.)
//
// It panics if the name is empty or taken, and if In or Out is a type that cannot
// travel from one process to another; the message names the field. Exported
// fields travel, as in encoding/json; so does a type that has a text or JSON form
// of its own, both ways. Channels, functions, unexported fields and interfaces
// with methods do not.
//
// The context ends when the process is told to stop, with [ErrAborted] as its
// cause.
func Func[In, Out any](name string, fn func(context.Context, In) (Out, error)) *Target[In, Out] {
	r := &registration{name: name, in: reflect.TypeFor[In](), out: reflect.TypeFor[Out]()}
	r.invoke = func(ctx context.Context, b, in []byte, _ *pipe.Conn) ([]byte, error) {
		v, err := Decode[In](in)
		if err != nil {
			return nil, fmt.Errorf("the argument of %q: %w", name, err)
		}
		out, err := call(ctx, fn, v)
		if err != nil {
			return nil, err
		}
		if b, err = Append(b, out); err != nil {
			return nil, fmt.Errorf("the result of %q: %w", name, err)
		}
		return b, nil
	}
	r.call = func(ctx context.Context, in any) (any, error) { return call(ctx, fn, in.(In)) }
	register(r)
	return &Target[In, Out]{r}
}

// Service registers the backend of a process with which the parent talks while it
// runs. The backend gets its end of a pipe; the other end, for the frontend, is
// [Process.Conn]. The process ends when the backend returns. When it is told to
// stop, the context ends and so does every wait on the pipe, with
// [pipe.ErrTimeout].
//
// In travels as with Func, and the conditions are the same.
func Service[In any](name string, backend func(context.Context, In, *pipe.Conn) error) *Target[In, struct{}] {
	r := &registration{name: name, service: true, in: reflect.TypeFor[In](), out: reflect.TypeFor[struct{}]()}
	r.invoke = func(ctx context.Context, b, in []byte, c *pipe.Conn) ([]byte, error) {
		v, err := Decode[In](in)
		if err != nil {
			return nil, fmt.Errorf("the argument of %q: %w", name, err)
		}
		_, err = call(ctx, func(ctx context.Context, v In) (struct{}, error) {
			return struct{}{}, backend(ctx, v, c)
		}, v)
		if err != nil {
			return nil, err
		}
		return Append(b, struct{}{})
	}
	register(r)
	return &Target[In, struct{}]{r}
}

func register(r *registration) {
	if r.name == "" {
		panic("process: a function needs a name to be registered under")
	}
	for _, side := range []struct {
		what string
		t    reflect.Type
	}{{"argument", r.in}, {"result", r.out}} {
		if why := cannotTravel(side.t); why != "" {
			panic(fmt.Sprintf("process: %q: its %s cannot travel: %s", r.name, side.what, why))
		}
	}
	registry.Lock()
	defer registry.Unlock()
	if registry.byName[r.name] != nil {
		panic(fmt.Sprintf("process: %q is registered already; every function needs a name of its own", r.name))
	}
	registry.byName[r.name] = r
}

func lookUp(name string) *registration {
	registry.RLock()
	defer registry.RUnlock()
	return registry.byName[name]
}

// Name returns the name under which the function is registered.
func (t *Target[In, Out]) Name() string { return t.name }

// Append appends an argument in the form in which it travels, see [Append].
func (t *Target[In, Out]) Append(b []byte, in In) ([]byte, error) { return Append(b, in) }

// Decode is the other end of that for a result, see [Decode].
func (t *Target[In, Out]) Decode(out []byte) (Out, error) { return Decode[Out](out) }

// New returns a process that will run the function with this argument. It does
// not run yet; see [Process.Start].
func (t *Target[In, Out]) New(in In, cfg Config) *Task[Out] {
	return newTask[Out](t.registration, func() ([]byte, error) { return Append(nil, in) }, cfg, false)
}

// Inline is New without a process: Start runs the function in a goroutine of this
// one. Argument and result go through the same codec and the same limits, so what
// would not arrive in another process does not arrive here. It is for tests, for
// the debugger and for the race detector, and for finding out whether a process
// is worth its price.
//
// What only a process can do it cannot: os.Exit ends this program, a panic in
// another goroutine does too, and a function that does not look at its context
// cannot be stopped or killed.
func (t *Target[In, Out]) Inline(in In, cfg Config) *Task[Out] {
	return newTask[Out](t.registration, func() ([]byte, error) { return Append(nil, in) }, cfg, true)
}
