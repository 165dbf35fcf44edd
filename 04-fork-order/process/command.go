package process

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"reflect"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/03-persistent-worker/child"
)

var commandCalled atomic.Bool

// ExitUsage is the exit code for a command line that is wrong.
const ExitUsage = 2

// Command makes the registered functions of this program commands: if the first
// argument is the name of one, Command runs it with the rest of the arguments, and
// exits. Otherwise it returns. Call it in main behind [Main]:
//
//	program texture --x=2 --y=2
//
// The flags are derived from the type of the argument: every field of a struct is
// one, a string as it is, anything else as JSON. The result is printed on stdout as
// JSON, indented, for people and for jq; with --full-output on one line together
// with its type, see [Signature]: {"value":["vector<float8>",[1,2],[]]}.
//
// What is wrong is said in one line on stderr; then stdout stays empty, and the
// exit code is 2 for a wrong command line, 1 for an error of the function.
// SIGTERM and Ctrl-C end the function's context.
func Command() {
	commandCalled.Store(true)
	if len(os.Args) < 2 {
		return
	}
	r := lookUp(os.Args[1])
	if r == nil || r.service {
		return
	}
	_ = child.WatchLifeline() // if Target.Run has started us
	me := Info{Name: r.name, PID: os.Getpid()}
	me.Depth, _ = strconv.Atoi(os.Getenv(depthVariable)) // 0 when a person has started it
	name := os.Getenv(logVariable)
	_ = os.Unsetenv(depthVariable) // neither is meant for our children
	_ = os.Unsetenv(logVariable)
	if name != "" {
		me.Name = name
		logToStderr()
	}
	current.Store(&me)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := r.command(ctx, os.Args[2:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func (r *registration) command(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	fail := func(code int, err error) int {
		fmt.Fprintf(stderr, "%s: %s\n", r.name, firstLine(err.Error()))
		return code
	}
	if len(args) == 1 && (args[0] == "--help" || args[0] == "-h") {
		fmt.Fprintf(stdout, "usage: %s", r.name)
		for _, a := range arguments(r.in) {
			format := " --%s=%s"
			if a.optional {
				format = " [--%s=%s]"
			}
			fmt.Fprintf(stdout, format, a.name, strings.ReplaceAll(Signature(a.kind), " ", ""))
		}
		fmt.Fprintln(stdout, " [--full-output]")
		return ExitOK
	}
	in, full, err := parseArguments(r.in, args)
	if err != nil {
		return fail(ExitUsage, err)
	}
	logger().Info("created", "object", r.name, "arguments", strings.Join(args, " "))
	defer logger().Info("destroyed", "object", r.name)
	var value any
	_, err = apart(func() (_ []byte, err error) {
		value, err = r.call(ctx, in.Interface())
		return nil, err
	})
	if err != nil {
		if ctx.Err() != nil {
			err = aborted{err}
		}
		return fail(ExitError, err)
	}
	var shown any = value
	if full {
		shown = fullOutput{[3]any{Signature(r.out), value, []any{}}}
	}
	text, err := pipe.Encode(shown)
	if err != nil {
		return fail(ExitError, fmt.Errorf("its result has no form in JSON: %w", errors.Unwrap(err)))
	}
	if !full {
		var indented bytes.Buffer
		if err := json.Indent(&indented, text, "", "  "); err != nil {
			return fail(ExitError, err)
		}
		text = indented.Bytes()
	}
	if _, err := stdout.Write(text); err != nil {
		return fail(ExitError, err)
	}
	return ExitOK
}

// fullOutput is {"value":[type, value, pointers]}. The last is empty here: a value
// that points to itself cannot travel.
type fullOutput struct {
	Value [3]any `json:"value"`
}

// CommandLine returns the arguments, the name of the function first, that make a
// program with [Command] call the function with in and print its full output.
func (t *Target[In, Out]) CommandLine(in In) ([]string, error) {
	args, err := formatArguments(reflect.ValueOf(&in).Elem())
	if err != nil {
		return nil, fmt.Errorf("process: the command line of %q: %w", t.name, err)
	}
	return append([]string{t.name, "--full-output"}, args...), nil
}

// ParseOutput reads what such a program has printed. Output without a type, or with
// another one than that of the function, is refused: a log, or the output for
// people, might look like a value.
func (t *Target[In, Out]) ParseOutput(stdout []byte) (Out, error) {
	var none Out
	refuse := func(why string, args ...any) (Out, error) {
		return none, fmt.Errorf("process: the output of %q: %s: %.200q", t.name, fmt.Sprintf(why, args...), stdout)
	}
	var full struct {
		Value []json.RawMessage `json:"value"`
	}
	d := json.NewDecoder(bytes.NewReader(stdout))
	d.DisallowUnknownFields()
	if err := d.Decode(&full); err != nil || len(full.Value) != 3 {
		return refuse("no type signature in it (is --full-output missing?)")
	}
	if _, err := d.Token(); err != io.EOF {
		return refuse("something follows the value")
	}
	var signature string
	if err := json.Unmarshal(full.Value[0], &signature); err != nil || signature != Signature(t.out) {
		return refuse("the type is %s, not %q", full.Value[0], Signature(t.out))
	}
	out, err := pipe.Decode[Out](full.Value[1])
	if err != nil {
		return none, fmt.Errorf("process: the output of %q: %w", t.name, err)
	}
	return out, nil
}
