package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/02-selector-timeout/selector"
	"example.com/multiprocessing/04-fork-order/process"
)

// Package variables are initialised in every process that is this program, before
// main and before any function of ours.
var initialisedIn = os.Getpid()

// order takes the steps one after the other. What parent and child share is here a
// file, and each writes down in it what it does.
func order(ctx context.Context, out io.Writer) error {
	dir, err := os.MkdirTemp("", "order-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	journal := dir + "/journal"
	note(journal, "0  imported and initialised, in pid %d", initialisedIn)
	note(journal, "1  created what processes share: this file")

	task := worksLater.New(journal, process.Config{})
	note(journal, "2  created what only these two share: the channel") // Start makes it, first thing
	if err := task.Start(); err != nil {
		return err
	}
	defer task.Stop(ctx)
	note(journal, "3  started the process")
	done := make(chan error)
	go func() { // goroutines may run before, too: see the text
		note(journal, "4  started goroutines, and libraries that have threads")
		done <- pipe.Send(task.Conn(), "go on")
	}()
	if err := <-done; err != nil {
		return err
	}
	if err := task.Conn().Close(); err != nil {
		return err
	}
	if err := task.Join(ctx); err != nil {
		return err
	}
	if err := task.Err(); err != nil {
		return err
	}
	text, err := os.ReadFile(journal)
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return err
}

var worksLater = process.Service("works-later", func(ctx context.Context, journal string, front *pipe.Conn) error {
	// It begins when the parent says so, or the lines below would come in any order.
	if _, err := pipe.Receive[string](front); err != nil {
		return err
	}
	note(journal, "0  imported and initialised once more, in pid %d: fresh, with threads of its own", initialisedIn)
	note(journal, "4  started goroutines, and libraries that have threads")
	loop, err := selector.New[string]()
	if err != nil {
		return err
	}
	defer loop.Close()
	note(journal, "5  made an event loop of its own, and waits in it")
	if err := loop.Register(front, "the parent"); err != nil {
		return err
	}
	keys, err := loop.Select(ctx)
	if err != nil {
		return err
	}
	note(journal, "   heard of %s: it has closed its end", keys[0])
	return nil
})

func note(journal, format string, args ...any) {
	who := process.Current().Name
	file, err := os.OpenFile(journal, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return // the reader misses it
	}
	defer file.Close()
	fmt.Fprintf(file, "%-13s %s\n", who, fmt.Sprintf(format, args...))
}
