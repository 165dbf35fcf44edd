// Attack: calls what is not exported.
package answer

import (
	"context"
	"os"
	"os/exec"
)

//go:linkname runtime_exit runtime.exit
func runtime_exit(int)

func Run(ctx context.Context, in, out *os.File, stages ...*exec.Cmd) ([]int, error) {
	return nil, nil
}
