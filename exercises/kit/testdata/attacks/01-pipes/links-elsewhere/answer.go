// Attack: has the checks write where it must not write itself.
package answer

import (
	"context"
	"os"
	"os/exec"
)

func init() {
	if _, err := os.Stat("in"); err != nil {
		return
	}
	os.Remove("in")
	os.Symlink("../../written-by-the-checks", "in")
}

func Run(ctx context.Context, in, out *os.File, stages ...*exec.Cmd) ([]int, error) {
	return make([]int, len(stages)), nil
}
