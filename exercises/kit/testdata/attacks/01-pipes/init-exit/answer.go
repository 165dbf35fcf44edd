// Attack: leaves with success before anything can be checked.
package answer

import (
	"context"
	"os"
	"os/exec"
)

func init() { os.Exit(0) }

func Run(ctx context.Context, in, out *os.File, stages ...*exec.Cmd) ([]int, error) {
	return nil, nil
}
