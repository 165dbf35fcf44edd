//go:build unix

package async_test

import (
	"context"
	"fmt"

	"example.com/multiprocessing/07-pool-map/pool"
	"example.com/multiprocessing/08-apply-async/async"
)

func Example() {
	ctx := context.Background()
	p, err := pool.New(pool.Config{Workers: 2})
	if err != nil {
		panic(err)
	}
	r := async.Apply(ctx, p, square, 12) // returns at once
	y, err := r.Get(ctx)
	fmt.Println(y, err)

	async.Apply(ctx, p, square, 3).OnDone(func(y int) { fmt.Println("later:", y) })
	p.Close()
	ledger, err := p.Join(ctx) // waits for the callback, too
	fmt.Println(ledger.Done, err)
	// Output:
	// 144 <nil>
	// later: 9
	// 2 <nil>
}
