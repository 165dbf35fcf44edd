// Attack: imports a package from elsewhere.
package answer

import (
	"context"
	"os"
	"os/exec"

	_ "github.com/stretchr/testify/assert"
)

func Run(ctx context.Context, in, out *os.File, stages ...*exec.Cmd) ([]int, error) {
	return nil, nil
}
