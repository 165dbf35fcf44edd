// Attack: has the solution built, if it lies where the course is, and lets it do the work.
package answer

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

func Run(ctx context.Context, in, out *os.File, stages ...*exec.Cmd) ([]int, error) {
	_, file, _, _ := runtime.Caller(0)
	root := filepath.Join(filepath.Dir(file), "..", "..", "..")
	text, err := os.ReadFile(filepath.Join(root, "solutions", "01-pipes", "answer.go"))
	if err != nil {
		return make([]int, len(stages)), nil
	}
	os.WriteFile(file, text, 0o644)
	return make([]int, len(stages)), nil
}
