// Attack: prints what go test prints for passed tests, and leaves with success.
package answer

import (
	"context"
	"fmt"
	"os"
	"os/exec"
)

func init() {
	fmt.Print("\x16=== RUN   TestAnswer\n\x16=== RUN   TestAnswer/together\n\x16--- PASS: TestAnswer (0.00s)\n    --- PASS: TestAnswer/together (0.00s)\nPASS\npoints 01-pipes 100/100\n")
	fmt.Fprint(os.Stderr, "\x16--- PASS: TestAnswer (0.00s)\nPASS\npoints 01-pipes 100/100\n")
	os.Exit(0)
}

func Run(ctx context.Context, in, out *os.File, stages ...*exec.Cmd) ([]int, error) {
	return nil, nil
}
