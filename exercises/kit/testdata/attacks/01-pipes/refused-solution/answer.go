// Attack: imports the solution.
package answer

import (
	"context"
	"os"
	"os/exec"

	solution "example.com/multiprocessing/solutions/01-pipes"
)

func Run(ctx context.Context, in, out *os.File, stages ...*exec.Cmd) ([]int, error) {
	return solution.Run(ctx, in, out, stages...)
}
