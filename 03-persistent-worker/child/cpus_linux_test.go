package child_test

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/03-persistent-worker/child"
)

// The processors are those of the program from its first instruction on, and the
// thread that starts programs has its own back afterwards.
func TestCPUs(t *testing.T) {
	allowed := func(cpus ...int) string {
		c := start(t, exec.Command("sh", "-c", "grep Cpus_allowed_list /proc/self/status"), child.Options{CPUs: cpus})
		require.Zero(t, end(t, c).ExitCode, c.Stderr())
		return c.Stdout()
	}
	before := allowed()
	require.Equal(t, "Cpus_allowed_list:\t0\n", allowed(0))
	require.Equal(t, before, allowed())
	_, err := child.Start(exec.Command("true"), child.Options{CPUs: []int{5000}})
	require.ErrorContains(t, err, "is none that this program may use")
}
