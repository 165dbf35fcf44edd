package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/05-events-locks/lock"
)

// A job is what a process has to do: count to 1,000 in a file that others count in
// as well.
type job struct {
	File   string
	Lock   *lock.File // one of these, or none; it travels as its path
	Socket *lock.Socket
}

func (j job) lock() lock.Lock {
	switch {
	case j.Lock != nil:
		return j.Lock
	case j.Socket != nil:
		return j.Socket
	}
	return nil
}

const (
	processes = 8
	each      = 1000
)

var countTo1000 = process.Func("count", func(ctx context.Context, j job) (struct{}, error) {
	l := j.lock()
	if l != nil {
		defer l.Close()
	}
	for range each {
		var err error
		if l == nil {
			err = addOne(j.File)
		} else {
			err = l.With(ctx, func(lock.Grant) error { return addOne(j.File) })
		}
		if err != nil {
			return struct{}{}, err
		}
	}
	return struct{}{}, nil
})

// addOne reads the number, adds one, writes it. Between reading and writing another
// process may do the same, with the same number; then one of the two is lost.
func addOne(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	text := make([]byte, width)
	if _, err := file.ReadAt(text, 0); err != nil {
		return err
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(io.NewOffsetWriter(file, 0), "%*d", width, n+1)
	return err
}

const width = 10 // of the number in the file, always the same

func lost(ctx context.Context, out io.Writer) error { return count(ctx, out, job{}) }

func counter(ctx context.Context, out io.Writer) error {
	err := withLock(func(l *lock.File) error {
		fmt.Fprintln(out, "lock.File:")
		return count(ctx, out, job{Lock: l})
	})
	if err != nil {
		return err
	}
	s, err := lock.NewSocket()
	if err != nil {
		return err
	}
	defer s.Close()
	fmt.Fprintln(out, "lock.Socket:")
	return count(ctx, out, job{Socket: s})
}

func count(ctx context.Context, out io.Writer, j job) error {
	return inDir(func(dir string) error {
		j.File = filepath.Join(dir, "number")
		if err := os.WriteFile(j.File, fmt.Appendf(nil, "%*d", width, 0), 0o600); err != nil {
			return err
		}
		begin := time.Now()
		if err := together(ctx, processes, j); err != nil {
			return err
		}
		text, err := os.ReadFile(j.File)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%d processes have counted to %d each, in %v\n", processes, each, time.Since(begin).Round(time.Millisecond))
		fmt.Fprintf(out, "in the file stands %d; lost: %d\n", n, processes*each-n)
		return nil
	})
}

// together runs n processes at the same time.
func together(ctx context.Context, n int, j job) error {
	var tasks []*process.Task[struct{}]
	var errs []error
	for range n {
		task := countTo1000.New(j, process.Config{})
		if err := task.Start(); err != nil {
			errs = append(errs, err)
			break
		}
		tasks = append(tasks, task)
	}
	for _, task := range tasks {
		_, err := task.Result(ctx)
		if err != nil { // nobody need go on
			err = errors.Join(err, task.Stop(context.WithoutCancel(ctx)))
		}
		errs = append(errs, err, task.Join(context.WithoutCancel(ctx)))
	}
	return errors.Join(errs...)
}

func inDir(do func(dir string) error) error {
	dir, err := os.MkdirTemp("", "locks-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	return do(dir)
}
