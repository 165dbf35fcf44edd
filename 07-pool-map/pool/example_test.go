//go:build unix

package pool_test

import (
	"context"
	"fmt"

	"example.com/multiprocessing/07-pool-map/pool"
)

func Example() {
	ctx := context.Background()
	ledger, err := pool.With(ctx, pool.Config{Workers: 2}, func(p *pool.Pool) error {
		squares, err := pool.Map(ctx, p, square, []int{1, 2, 3, 4})
		fmt.Println(squares)
		return err
	})
	fmt.Println(ledger.Done, "done,", err)
	// Output:
	// [1 4 9 16]
	// 4 done, <nil>
}

func ExampleImap() {
	ctx := context.Background()
	p, err := pool.New(pool.Config{Workers: 2})
	if err != nil {
		panic(err)
	}
	defer p.Terminate(ctx)
	numbers := func(yield func(int) bool) {
		for x := 1; yield(x); x++ { // without an end
		}
	}
	for y, err := range pool.Imap(ctx, p, square, numbers) {
		if err != nil {
			panic(err)
		}
		fmt.Println(y)
		if y > 20 {
			break
		}
	}
	// Output:
	// 1
	// 4
	// 9
	// 16
	// 25
}
