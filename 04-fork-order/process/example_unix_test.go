//go:build unix

package process_test

import (
	"context"
	"fmt"
	"strings"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
)

// At package level, so that every process of the program knows it.
var shout = process.Func("shout", func(_ context.Context, s string) (string, error) {
	return strings.ToUpper(s) + "!", nil
})

// TestMain of this package calls process.Main first, as every main must.
func ExampleFunc() {
	ctx := context.Background()
	task := shout.New("hello", process.Config{Name: "shouter"})
	if err := task.Start(); err != nil {
		fmt.Println(err)
		return
	}
	loud, err := task.Result(ctx)
	fmt.Println(loud, err)
	err = task.Join(ctx)
	code, ended := task.ExitCode()
	fmt.Println(err, code, ended)
	// Output:
	// HELLO! <nil>
	// <nil> 0 true
}

var adder = process.Service("adder", func(_ context.Context, sum int, front *pipe.Conn) error {
	for {
		n, err := pipe.Receive[int](front)
		if err != nil {
			return nil // the frontend has gone
		}
		sum += n
		if err := pipe.Send(front, sum); err != nil {
			return err
		}
	}
})

func ExampleService() {
	ctx := context.Background()
	task := adder.New(100, process.Config{})
	if err := task.Start(); err != nil {
		fmt.Println(err)
		return
	}
	front := task.Conn()
	defer front.Close()
	for _, n := range []int{20, 3} {
		if err := pipe.Send(front, n); err != nil {
			fmt.Println(err)
		}
		fmt.Println(pipe.Receive[int](front))
	}
	fmt.Println(task.Stop(ctx))
	// Output:
	// 120 <nil>
	// 123 <nil>
	// <nil>
}

func ExampleTarget_Inline() {
	task := shout.Inline("hello", process.Config{})
	if err := task.Start(); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(task.Result(context.Background()))
	// Output: HELLO! <nil>
}

func ExampleInvoke() {
	in, err := shout.Append(nil, "hello")
	if err != nil {
		fmt.Println(err)
	}
	out, err := process.Invoke(context.Background(), "shout", in)
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(shout.Decode(out))
	// Output: HELLO! <nil>
}
