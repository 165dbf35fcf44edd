// Attack: never comes to main.
package answer

import (
	"context"
	"os"
	"os/exec"
)

func init() { select {} }

func Run(ctx context.Context, in, out *os.File, stages ...*exec.Cmd) ([]int, error) { return nil, nil }
