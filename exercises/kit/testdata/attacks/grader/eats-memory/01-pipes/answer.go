// Attack: takes memory, and touches it.
package answer

import (
	"context"
	"os"
	"os/exec"
	"time"
)

var kept [][]byte

func Run(ctx context.Context, in, out *os.File, stages ...*exec.Cmd) ([]int, error) {
	for range 1000 { // an end, so that this test has one
		block := make([]byte, 1<<20)
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
		kept = append(kept, block)
	}
	time.Sleep(time.Minute)
	return nil, nil
}
