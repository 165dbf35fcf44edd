// Attack: starts three hundred processes, each in a session of its own.
package answer

import (
	"context"
	"os"
	"os/exec"
	"syscall"
)

func Run(ctx context.Context, in, out *os.File, stages ...*exec.Cmd) ([]int, error) {
	for range 300 {
		cmd := exec.Command("sleep", "1000")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		cmd.Start()
	}
	<-ctx.Done()
	return nil, nil
}
