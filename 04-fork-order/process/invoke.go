package process

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// Invoke runs a registered function in this process: it decodes the argument,
// calls, and encodes the result, see [Append] and [Decode]. The lessons that send
// many calls to one process stand on it.
//
// A panic in the function is returned as a [*PanicError]. An unknown name is an
// error, and so is the name of a Service, which needs a pipe of its own. A function
// that calls runtime.Goexit ends the caller's goroutine, as everywhere. Invoke is
// safe for concurrent use if the function is.
func Invoke(ctx context.Context, name string, in []byte) ([]byte, error) {
	f, err := Lookup(name)
	if err != nil {
		return nil, err
	}
	return f.Invoke(ctx, nil, in)
}

// A Function is a registered function, without its types.
type Function struct{ r *registration }

// Lookup is the first half of [Invoke], for those who call a function many times.
func Lookup(name string) (Function, error) {
	r := lookUp(name)
	if r == nil {
		return Function{}, unknown(name)
	}
	if r.service {
		return Function{}, fmt.Errorf("process: %q is a service and cannot be called; start it", name)
	}
	return Function{r}, nil
}

// Invoke is the second half: it appends the encoded result to b.
func (f Function) Invoke(ctx context.Context, b, in []byte) ([]byte, error) {
	return f.r.invoke(ctx, b, in, nil)
}

func unknown(name string) error {
	return fmt.Errorf("process: no function is registered as %q here; register it at package level or in init, where every process comes by", name)
}

// A PanicError is a panic in a registered function, made an error.
type PanicError struct {
	Value any
	Stack string // of the goroutine that panicked
}

// Error gives the value; the stack is in Stack.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// call calls fn and makes an error of a panic.
func call[In, Out any](ctx context.Context, fn func(context.Context, In) (Out, error), in In) (out Out, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &PanicError{r, string(debug.Stack())}
		}
	}()
	return fn(ctx, in)
}

// apart runs f in a goroutine of its own and waits for it. runtime.Goexit ends a
// goroutine and cannot be stopped; here it ends that one, and is an error.
func apart(f func() ([]byte, error)) (out []byte, err error) {
	err = errGoexit // unless it returns
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		out, err = f()
	}()
	<-finished
	return out, err
}

var errGoexit = errors.New("it called runtime.Goexit and so returned nothing (t.FailNow and t.Skip do that)")
