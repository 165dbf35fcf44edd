// Package scene plays the scenes of a lesson's main program: it prints a heading
// for each, stops at the first error, and after each scene looks whether a
// process, a descriptor or a goroutine was left behind.
//
// It is the frame around the lessons and teaches nothing itself.
package scene

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"example.com/multiprocessing/01-pipes/leaktest"
)

// A Scene shows one thing. Play prints what happens to out, as it happens. When
// it returns nil, nothing is left behind.
type Scene struct {
	Name  string // one word, for the command line
	Title string
	Play  func(ctx context.Context, out io.Writer) error
}

// Main plays the scenes named on the command line, or all of them, and exits
// (flags of the lesson's own, defined with package flag, come before the names):
// with 0 if all went well, 1 if a scene failed, 2 if the arguments were wrong.
// Ctrl-C and SIGTERM end the context and so the program, in good order.
func Main(scenes ...Scene) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	code := Run(ctx, os.Args, os.Stdout, os.Stderr, scenes)
	os.Exit(code) // not before the deferred calls in Run are done
}

// Run is Main with its inputs and outputs as arguments.
func Run(ctx context.Context, args []string, out, errOut io.Writer, scenes []Scene) int {
	program := strings.TrimSuffix(filepath.Base(args[0]), ".exe")
	chosen, err := choose(program, args[1:], out, scenes)
	if err == flag.ErrHelp {
		return 0
	}
	if err != nil {
		fmt.Fprintf(errOut, "%s: %v\n", program, err)
		return 2
	}
	checked := NewOutput(out)
	for i, s := range chosen {
		if ctx.Err() != nil {
			fmt.Fprintf(errOut, "%s: before scene %s: %v\n", program, s.Name, context.Cause(ctx))
			return 1
		}
		if i > 0 {
			fmt.Fprintln(checked)
		}
		fmt.Fprintf(checked, "== %s: %s\n", s.Name, s.Title)
		err := play(ctx, s, checked)
		if err == nil {
			err = checked.Err()
		}
		if err != nil {
			fmt.Fprintf(errOut, "%s: scene %s: %v\n", program, s.Name, err)
			return 1
		}
	}
	return 0
}

// An Output writes to another writer and remembers the first error. So who prints need not
// look at what each Fprintln returns: Err says at the end whether all has arrived. It is safe
// for concurrent use if the other writer is.
type Output struct {
	to  io.Writer
	mu  sync.Mutex // guards err
	err error
}

// NewOutput returns an Output that writes to the writer.
func NewOutput(to io.Writer) *Output { return &Output{to: to} }

func (o *Output) Write(p []byte) (int, error) {
	n, err := o.to.Write(p)
	if err != nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.err == nil {
			o.err = err
		}
	}
	return n, err
}

// Err returns the first error so far.
func (o *Output) Err() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

func choose(program string, args []string, out io.Writer, scenes []Scene) ([]Scene, error) {
	flags := flag.NewFlagSet(program, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // we say it ourselves, in one line
	flag.VisitAll(func(f *flag.Flag) {
		if !strings.HasPrefix(f.Name, "test.") { // those of a test binary that plays the program
			flags.Var(f.Value, f.Name, f.Usage)
		}
	})
	if err := flags.Parse(args); err == flag.ErrHelp {
		fmt.Fprintf(out, "usage: %s [flag ...] [scene ...]   (default: all scenes, in this order)\n", program)
		flags.VisitAll(func(f *flag.Flag) {
			fmt.Fprintf(out, "  -%-9s %s (default %s)\n", f.Name, f.Usage, f.DefValue)
		})
		for _, s := range scenes {
			fmt.Fprintf(out, "  %-10s %s\n", s.Name, s.Title)
		}
		return nil, err
	} else if err != nil {
		return nil, fmt.Errorf("%w; -h lists the scenes", err)
	}
	if flags.NArg() == 0 {
		return scenes, nil
	}
	var names []string
	byName := map[string]Scene{}
	for _, s := range scenes {
		names = append(names, s.Name)
		byName[s.Name] = s
	}
	var chosen []Scene
	for _, name := range flags.Args() {
		s, ok := byName[name]
		if !ok {
			return nil, fmt.Errorf("there is no scene %q; the scenes are: %s", name, strings.Join(names, ", "))
		}
		chosen = append(chosen, s)
	}
	return chosen, nil
}

func play(ctx context.Context, s Scene, out io.Writer) error {
	before, err := leaktest.Look()
	if err != nil {
		return err
	}
	if err := s.Play(ctx, out); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx) // the error is only a consequence
		}
		return err
	}
	left, err := before.Left()
	if err != nil {
		return err
	}
	if len(left) > 0 {
		return fmt.Errorf("left behind: %s", strings.Join(left, "; "))
	}
	return nil
}
