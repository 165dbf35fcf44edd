// The driver of exercise 04: a small program around your Watch. The suite starts it
// and talks to it over a pipe. By hand it watches over three posts until you press
// Ctrl-C; kill one of them from another terminal and see what happens:
//
//	go run ./exercises/04-fork-order/driver
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/exercises/04-fork-order/answer"
	"example.com/multiprocessing/exercises/04-fork-order/script"
	"example.com/multiprocessing/exercises/kit"
)

func main() {
	suite, err := pipe.Inherited()
	if err == nil {
		err = serve(suite)
	} else {
		err = kit.ByHand("example.com/multiprocessing/exercises/04-fork-order/guard", byHand)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "driver:", err)
		os.Exit(1)
	}
}

// byHand watches over three guards.
func byHand(path string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	fmt.Printf("The watch begins (pid %d). Ctrl-C ends it; kill one of the posts, or the watchman.\n", os.Getpid())
	return answer.Watch(ctx, posts(path, []string{"lamp", "bell", "gate"}, 2*time.Second))
}

func posts(path string, names []string, grace time.Duration) []answer.Post {
	var all []answer.Post
	for _, name := range names {
		all = append(all, answer.Post{Name: name, Path: path, Args: []string{name}, Grace: grace})
	}
	return all
}

// serve does what the suite asks for until it closes the pipe.
func serve(suite *pipe.Conn) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	return kit.Serve(suite, func(request script.Request) error {
		if request.Cancel {
			cancel()
			return nil
		}
		go func() {
			var report script.Report
			if err := answer.Watch(ctx, posts(os.Getenv("GUARD_PROGRAM"), request.Names, request.Grace)); err != nil {
				report = script.Report{Failed: true, Error: err.Error(), Todo: errors.Is(err, kit.ErrTODO)}
			}
			kit.Tell(suite, report)
		}()
		return nil
	})
}
