// Attack: does the work of the stages itself and starts none.
package answer

import (
	"context"
	"io"
	"os"
	"os/exec"
)

func Run(ctx context.Context, in, out *os.File, stages ...*exec.Cmd) ([]int, error) {
	io.Copy(out, in)
	return make([]int, len(stages)), nil
}
