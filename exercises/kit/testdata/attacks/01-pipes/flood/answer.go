// Attack: prints without end.
package answer

import (
	"context"
	"os"
	"os/exec"
	"strings"
)

func Run(ctx context.Context, in, out *os.File, stages ...*exec.Cmd) ([]int, error) {
	block := strings.Repeat("x", 1<<20) + "\n"
	for range 100 { // an end, so that this test has one
		os.Stdout.WriteString(block)
		os.Stderr.WriteString(block)
	}
	return nil, nil
}
