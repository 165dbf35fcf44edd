// Attack: takes the checks into its binary.
package answer

import (
	"context"
	_ "embed"
	"os"
	"os/exec"
)

//go:embed answer.go
var text string

func Run(ctx context.Context, in, out *os.File, stages ...*exec.Cmd) ([]int, error) {
	return nil, nil
}
