//go:build unix

package event_test

import (
	"context"
	"fmt"

	"example.com/multiprocessing/05-events-locks/event"
)

// One sets it, another waits. Here both are in one process; the second handle could
// as well be in another, which got the path as an argument.
func Example() {
	start, err := event.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer start.Close()
	other, err := event.Open(start.Path())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer other.Close()

	go start.Set()
	fmt.Println(other.Wait(context.Background()))
	fmt.Println(start.IsSet())
	// Output:
	// <nil>
	// true <nil>
}
