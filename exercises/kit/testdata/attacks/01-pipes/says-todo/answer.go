// Attack: claims not to be attempted.
package answer

import (
	"context"
	"os"
	"os/exec"

	"example.com/multiprocessing/exercises/kit"
)

func Run(ctx context.Context, in, out *os.File, stages ...*exec.Cmd) ([]int, error) {
	return make([]int, len(stages)), kit.ErrTODO
}
