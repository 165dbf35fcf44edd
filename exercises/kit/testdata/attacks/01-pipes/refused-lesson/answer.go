// Attack: imports what it is to be written.
package answer

import (
	"context"
	"os"
	"os/exec"

	_ "example.com/multiprocessing/01-pipes/pipe"
)

func Run(ctx context.Context, in, out *os.File, stages ...*exec.Cmd) ([]int, error) {
	return nil, nil
}
