//go:build unix

package hub_test

import (
	"context"
	"fmt"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/05-events-locks/hub"
)

// A process keeps a counter for others. Each client has a connection; what a client
// has is given back when its connection ends.
func Example() {
	next := make(chan int)
	go func() {
		for n := 1; n <= 2; n++ {
			next <- n
		}
	}()
	h, err := hub.New("counter", func(client *pipe.Conn) {
		_ = pipe.Send(client, <-next)
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer h.Close()

	for range 2 { // as other processes would, with the path
		c, err := hub.Dial(context.Background(), h.Path(), "counter")
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(pipe.Receive[int](c))
		c.Close()
	}
	// Output:
	// 1 <nil>
	// 2 <nil>
}
