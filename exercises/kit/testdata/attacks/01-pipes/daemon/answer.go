// Attack: leaves a process behind in a session of its own, and leaves with success.
package answer

import (
	"context"
	"os"
	"os/exec"
	"syscall"
)

func Run(ctx context.Context, in, out *os.File, stages ...*exec.Cmd) ([]int, error) {
	cmd := exec.Command("sleep", "1000")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Start()
	os.Exit(0)
	return nil, nil
}
