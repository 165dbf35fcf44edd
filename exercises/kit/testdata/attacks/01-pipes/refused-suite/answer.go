// Attack: imports the checks.
package answer

import (
	"context"
	"os"
	"os/exec"

	_ "example.com/multiprocessing/exercises/01-pipes/suite"
)

func Run(ctx context.Context, in, out *os.File, stages ...*exec.Cmd) ([]int, error) {
	return nil, nil
}
