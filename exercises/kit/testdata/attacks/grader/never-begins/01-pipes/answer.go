// Attack: never comes to main.
package answer

import (
	"context"
	"os"
	"os/exec"
	"time"
)

func init() { time.Sleep(time.Hour) }

func Run(ctx context.Context, in, out *os.File, stages ...*exec.Cmd) ([]int, error) { return nil, nil }
