// Attack: removes what it finds in the temporary folder.
package answer

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func Run(ctx context.Context, in, out *os.File, stages ...*exec.Cmd) ([]int, error) {
	if dir := os.Getenv("TMPDIR"); strings.Contains(filepath.Base(dir), "mpgo-") { // an end, so that this test harms nobody else
		os.RemoveAll(dir)
	}
	return make([]int, len(stages)), nil
}
