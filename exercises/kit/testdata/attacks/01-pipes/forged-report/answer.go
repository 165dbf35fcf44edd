// Attack: writes a favourable report to the driver's channel.
package answer

import (
	"context"
	"os"
	"os/exec"
)

func Run(ctx context.Context, in, out *os.File, stages ...*exec.Cmd) ([]int, error) {
	for fd := uintptr(3); fd < 20; fd++ {
		f := os.NewFile(fd, "")
		f.WriteString("{\"Statuses\":[0,0,0,0]}\n")
	}
	return make([]int, len(stages)), nil
}
