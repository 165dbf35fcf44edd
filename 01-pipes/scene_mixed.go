package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"example.com/multiprocessing/01-pipes/pipe"
)

const (
	printers = 2
	short    = 200
	long     = 100_000 // bytes; more than the pipe holds
)

// mixed lets two processes print lines to one pipe. POSIX promises that a write
// of up to PIPE_BUF bytes (4096 on Linux, 512 on macOS) stays in one piece, see
// pipe(7). A longer one is cut wherever the pipe happens to be full, and what
// comes in between is the other process's line.
func mixed(_ context.Context, out io.Writer) error {
	for _, size := range []int{short, long} {
		seen, err := shareOneEnd(size)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "lines of %6d bytes, one pipe for both: %v\n", size, seen)
	}
	seen, err := onePipeEach(long)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "lines of %6d bytes, a pipe for each:   %v\n", long, seen)
	return nil
}

// A count says how many lines arrived as they were written.
type count struct{ whole, lines int }

func (c count) String() string {
	if c.whole == c.lines {
		return "all whole"
	}
	return fmt.Sprintf("MIXED, about %d of %d are whole", c.whole, c.lines)
}

// shareOneEnd gives the same writing end to all printers, as their stdout.
func shareOneEnd(size int) (seen count, err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return seen, err
	}
	wait, err := startPrinters(size, w, w)
	w.Close()
	if err != nil {
		return seen, errors.Join(err, r.Close())
	}
	seen, err = countLines(r, size, "ab")
	return seen, errors.Join(err, wait())
}

// onePipeEach is the cure: a message of any size is safe in a pipe that has one
// writer.
func onePipeEach(size int) (seen count, err error) {
	var readers, stdouts []*os.File
	for range printers {
		r, w, err := os.Pipe()
		if err != nil {
			return seen, err
		}
		defer r.Close()
		defer w.Close()
		readers, stdouts = append(readers, r), append(stdouts, w)
	}
	wait, err := startPrinters(size, stdouts...)
	for _, w := range stdouts {
		w.Close()
	}
	if err != nil {
		return seen, err
	}
	// Reading one after the other makes the second printer wait, no more. How
	// to wait for both at once is lesson 02.
	for i, r := range readers {
		n, cerr := countLines(r, size, "ab"[i:i+1])
		seen.whole, seen.lines = seen.whole+n.whole, seen.lines+n.lines
		err = errors.Join(err, cerr)
	}
	return seen, errors.Join(err, wait())
}

// startPrinters starts a printer for each stdout and returns a function that
// waits for them. They begin to print together, when their stdin ends: the
// starting pistol is the end of a pipe, which all who read it notice.
func startPrinters(size int, stdouts ...*os.File) (wait func() error, err error) {
	ready, pistol, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer ready.Close()
	defer pistol.Close()
	var waits []func() error
	wait = func() error {
		var errs []error
		for _, w := range waits {
			errs = append(errs, w())
		}
		return errors.Join(errs...)
	}
	for i, stdout := range stdouts {
		cmd, err := command("print-lines")
		if err != nil {
			return nil, errors.Join(err, wait())
		}
		cmd.Args = append(cmd.Args, string(rune('a'+i)), strconv.Itoa(size))
		cmd.Stdin, cmd.Stdout = ready, stdout
		if err := cmd.Start(); err != nil {
			return nil, errors.Join(err, wait())
		}
		waits = append(waits, cmd.Wait)
	}
	return wait, nil
}

// printLines prints its letter, one line a write, until nobody reads.
func printLines() error {
	size, err := strconv.Atoi(os.Args[2])
	if err != nil {
		return err
	}
	signal.Ignore(syscall.SIGPIPE) // which would end it like any program that prints to a closed pipe
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	line := append(bytes.Repeat([]byte(os.Args[1]), size-1), '\n')
	for {
		if _, err := os.Stdout.Write(line); err != nil {
			return nil
		}
	}
}

// countLines reads until it has seen fifty lines with each of the letters, and
// closes r, which ends the printers.
func countLines(r *os.File, size int, letters string) (seen count, err error) {
	c, err := pipe.Files(r, nil)
	if err != nil {
		return seen, err
	}
	defer c.Close()
	with := map[rune]int{}
	for !enough(with, letters) {
		line, err := c.ReceiveLine()
		if err != nil {
			return seen, err
		}
		seen.lines++
		if len(line) == size && bytes.Count(line, line[:1]) == size-1 {
			seen.whole++
		}
		for _, letter := range letters {
			if bytes.ContainsRune(line, letter) {
				with[letter]++
			}
		}
	}
	return seen, nil
}

func enough(with map[rune]int, letters string) bool {
	for _, letter := range letters {
		if with[letter] < 50 {
			return false
		}
	}
	return true
}
