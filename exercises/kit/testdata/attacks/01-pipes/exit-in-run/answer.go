// Attack: leaves with success in the middle of the function.
package answer

import (
	"context"
	"os"
	"os/exec"
	"syscall"
)

func Run(ctx context.Context, in, out *os.File, stages ...*exec.Cmd) ([]int, error) {
	syscall.Exit(0)
	return nil, nil
}
