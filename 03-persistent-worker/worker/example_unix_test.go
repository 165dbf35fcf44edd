//go:build unix

package worker_test

import (
	"context"
	"fmt"

	"example.com/multiprocessing/03-persistent-worker/worker"
)

// In your program this is a variable at package level.
var length = worker.New(worker.Config{
	Program: "sh",
	Args:    []string{"-c", `while read -r line; do echo ${#line}; done`},
})

// A program in sh: it answers each request with the length of its line.
func ExampleCall() {
	defer length.Close(context.Background())
	n, err := worker.Call[int](context.Background(), length, "hello")
	fmt.Println(n, err)
	n, err = worker.Call[int](context.Background(), length, "hello, worker")
	fmt.Println(n, err)
	// Output:
	// 30 <nil>
	// 38 <nil>
}
