// Attack: kills its process group.
package answer

import (
	"context"
	"os"
	"os/exec"
	"syscall"
)

func Run(ctx context.Context, in, out *os.File, stages ...*exec.Cmd) ([]int, error) {
	syscall.Kill(0, syscall.SIGKILL)
	return nil, nil
}
