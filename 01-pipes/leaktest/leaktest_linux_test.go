package leaktest

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func needProc(t *testing.T) {}

// The lifeline is what other Unix systems use instead of /proc. It works here
// as well, so it is tested here.
func TestLifeline(t *testing.T) {
	line, err := makeLifeline()
	require.NoError(t, err)
	require.Empty(t, line.left(time.Now()), "nobody was started")

	line, err = makeLifeline()
	require.NoError(t, err)
	stdin := startStaying(t)
	require.NotEmpty(t, line.left(time.Now()))
	stdin.Close()
	killChildren()

	line, err = makeLifeline()
	require.NoError(t, err)
	stdin = startStaying(t)
	stdin.Close()
	require.Empty(t, line.left(time.Now().Add(time.Minute)), "the child has ended")
	killChildren()
}

func TestStateOfAProcessWithAnOddName(t *testing.T) {
	head, tail, found := cutLast("42 (a) b (c)) S 7", ") ")
	require.True(t, found)
	require.Equal(t, "42 (a) b (c)", head)
	require.Equal(t, "S 7", tail)
	_, err := os.Stat("/proc/self/stat")
	require.NoError(t, err)
}
