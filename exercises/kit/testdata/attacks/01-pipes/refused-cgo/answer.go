// Attack: is not only Go.
package answer

import (
	"C"
)

func Run(ctx context.Context, in, out *os.File, stages ...*exec.Cmd) ([]int, error) {
	return nil, nil
}
