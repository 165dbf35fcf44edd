//go:build unix

package queue_test

import (
	"context"
	"fmt"

	"example.com/multiprocessing/06-queue/queue"
)

func Example() {
	ctx := context.Background()
	q, err := queue.New[string](queue.Config{})
	if err != nil {
		panic(err)
	}
	defer q.Destroy()
	// Most often in other processes, which got q as an argument.
	if err := q.Put(ctx, "wash", "dry", "fold"); err != nil {
		panic(err)
	}
	_ = q.Close() // nothing more will come
	for item, err := range q.All(ctx) {
		if err != nil {
			panic(err)
		}
		fmt.Println(item)
	}
	// Output:
	// wash
	// dry
	// fold
}

// A consumer that is killed between Lease and Ack costs nothing but time.
func ExampleQueue_Lease() {
	ctx := context.Background()
	q, err := queue.New[string](queue.Config{})
	if err != nil {
		panic(err)
	}
	defer q.Destroy()
	if err := q.Put(ctx, "wash"); err != nil {
		panic(err)
	}
	first, err := q.Lease(ctx)
	if err != nil {
		panic(err)
	}
	_ = first.Nack() // or its process ends
	second, err := q.Lease(ctx)
	if err != nil {
		panic(err)
	}
	fmt.Println(second.Value, second.Deliveries)
	_ = second.Ack()
	fmt.Println(q.Join(ctx))
	// Output:
	// wash 2
	// <nil>
}

func ExampleKernel() {
	ctx := context.Background()
	q, err := queue.NewKernel[int](queue.KernelConfig{})
	if err != nil {
		panic(err)
	}
	defer q.Destroy()
	for n := range 3 {
		if err := q.Put(ctx, n); err != nil {
			panic(err)
		}
	}
	_ = q.Close()
	for n, err := range q.All(ctx) {
		if err != nil {
			panic(err)
		}
		fmt.Println(n)
	}
	// Output:
	// 0
	// 1
	// 2
}
