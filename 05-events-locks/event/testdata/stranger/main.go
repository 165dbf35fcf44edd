// A program that is no relative of the test: it knows two paths, and nothing else. It
// waits for the first event, takes the lock, and sets the second event.
package main

import (
	"context"
	"fmt"
	"os"

	"example.com/multiprocessing/05-events-locks/event"
	"example.com/multiprocessing/05-events-locks/lock"
)

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(first, path, second string) error {
	wait, err := event.Open(first)
	if err != nil {
		return err
	}
	defer wait.Close()
	done, err := event.Open(second)
	if err != nil {
		return err
	}
	defer done.Close()
	l, err := lock.OpenSocket(path)
	if err != nil {
		return err
	}
	defer l.Close()
	if err := wait.Wait(context.Background()); err != nil {
		return err
	}
	return l.With(context.Background(), func(lock.Grant) error { return done.Set() })
}
