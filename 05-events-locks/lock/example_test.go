package lock_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/05-events-locks/lock"
)

// A lock that any program can open by its path.
func Example() {
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	l, err := lock.Open(filepath.Join(dir, "data.lock"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()

	err = l.With(context.Background(), func(g lock.Grant) error {
		if g.PrevDied {
			fmt.Println("look at the data first: the last holder was killed")
		}
		fmt.Println("token", g.Token)
		return nil
	})
	fmt.Println(err)
	// Output:
	// token 1
	// <nil>
}

// To wait for a lock, but not for ever.
func ExampleFile_Acquire() {
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "data.lock")
	mine, err := lock.Open(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer mine.Close()
	other, err := lock.Open(path) // as another process would
	if err != nil {
		fmt.Println(err)
		return
	}
	defer other.Close()
	if _, err := other.Acquire(context.Background()); err != nil {
		fmt.Println(err)
		return
	}

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	_, err = mine.Acquire(ctx)
	fmt.Println("timed out:", errors.Is(err, pipe.ErrTimeout))
	_, err = mine.TryAcquire()
	fmt.Println("held by somebody else:", errors.Is(err, lock.ErrHeld))
	// Output:
	// timed out: true
	// held by somebody else: true
}
