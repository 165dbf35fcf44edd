package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/07-pool-map/pool"
)

// A squared number, and who has computed it.
type squared struct{ Value, PID int }

// square is the function that runs in the workers.
var square = process.Func("square", func(_ context.Context, x int) (squared, error) {
	if x < 0 {
		return squared{}, fmt.Errorf("%d is negative", x)
	}
	return squared{x * x, os.Getpid()}, nil
})

func inOrder(ctx context.Context, out io.Writer) error {
	p, err := pool.New(pool.Config{Workers: 2})
	if err != nil {
		return err
	}
	squares, err := pool.Map(ctx, p, square, []int{1, 2, 3, 4, 5, 6, 7, 8}, pool.Chunk(1))
	if err != nil {
		return err
	}
	by := map[int]bool{}
	for _, s := range squares {
		fmt.Fprint(out, s.Value, " ")
		by[s.PID] = true
	}
	fmt.Fprintf(out, "from other processes: %t, at most two of them: %t\n", !by[os.Getpid()], len(by) <= 2)

	squares, err = pool.Map(ctx, p, square, []int{1, -2, 3})
	fmt.Fprintf(out, "with an error: %d, %d, %d\n%v\n", squares[0].Value, squares[1].Value, squares[2].Value, err)

	p.Close() // nothing more will come
	ledger, err := p.Join(ctx)
	fmt.Fprintf(out, "%+v\n", ledger)
	return err
}
