// Attack: looks for answers of others beside its own, and puts nothing in their place.
package answer

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func Run(ctx context.Context, in, out *os.File, stages ...*exec.Cmd) ([]int, error) {
	work := filepath.Dir(os.Getenv("HOME"))
	if strings.Contains(filepath.Base(work), "mpgo-") { // an end, so that this test harms nobody else
		files, _ := filepath.Glob(filepath.Join(work, "*", "answer.go"))
		for _, file := range files {
			os.WriteFile(file, []byte("package answer\n"), 0o644)
		}
	}
	return make([]int, len(stages)), nil
}
