//go:build unix

package spool_test

import (
	"context"
	"fmt"

	"example.com/multiprocessing/03-persistent-worker/worker"
	"example.com/multiprocessing/07-pool-map/spool"
)

func Example() {
	ctx := context.Background()
	// A program that answers each line with the number of its bytes.
	s, err := spool.New(spool.Config{
		Worker:  worker.Config{Program: "sh", Args: []string{"-c", `while read -r line; do echo "${#line}"; done`}},
		Workers: 2,
	})
	if err != nil {
		panic(err)
	}
	defer s.Close(ctx)
	n, err := spool.Call[int](ctx, s, "hello")
	fmt.Println(n, err) // of {"args":["hello"],"kwargs":{}}
	// Output: 30 <nil>
}
