package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"

	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/04-fork-order/texture"
)

// logged starts a function as a command, the way a shell would, and as a process,
// with the log switched on.
func logged(ctx context.Context, out io.Writer) error {
	if runtime.GOOS == "windows" {
		fmt.Fprintln(out, "there is no lifeline for a command on Windows, so this is not shown")
		return nil
	}
	log := &lines{out: out}
	process.SetLogger(process.NewLogger(log))
	defer process.SetLogger(nil)
	rows, err := texture.Texture.Run(ctx, "", texture.Size{X: 2, Y: 1}, process.Config{Stderr: log})
	if err != nil {
		return err
	}
	log.print(fmt.Sprintln("the result:", rows))

	task := square.New(3, process.Config{Stderr: log})
	if err := task.Start(); err != nil {
		return err
	}
	if _, err := task.Result(ctx); err != nil {
		return err
	}
	return task.Join(ctx)
}

// lines keeps the lines of two processes apart, and leaves out the time and the
// level, for the width of the page.
type lines struct {
	mu  sync.Mutex
	out io.Writer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(string(p)) {
		if _, rest, ok := strings.Cut(line, "level=INFO msg="); ok {
			line = rest
		}
		if _, err := io.WriteString(l.out, line); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

func (l *lines) print(s string) { _, _ = l.Write([]byte(s)) }
