//go:build unix

package shm_test

import (
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/leaktest"
	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/06-queue/shm"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// Two mappings of one memory, as in two processes: what is written in one is in the other.
func TestTwoMappings(t *testing.T) {
	a, err := shm.New(5000)
	require.NoError(t, err)
	defer a.Close()
	front, back, err := pipe.Pair()
	require.NoError(t, err)
	defer front.Close()
	defer back.Close()
	require.NoError(t, front.SendFile(a.File()))
	file, err := back.ReceiveFile()
	require.NoError(t, err)
	b, err := shm.Map(file)
	require.NoError(t, err)
	require.Len(t, b.Bytes(), 5000)
	require.NoError(t, b.CloseFile())
	require.NotSame(t, &a.Bytes()[0], &b.Bytes()[0])

	shm.At[atomic.Int64](a, 4992).Store(7)
	require.EqualValues(t, 7, shm.At[atomic.Int64](b, 4992).Load())
	require.NoError(t, a.Close())
	require.NoError(t, a.Close())
	require.EqualValues(t, 7, b.Bytes()[4992]+b.Bytes()[4999], "it lives as long as one has it")
	for _, offset := range []int{-64, 8, 5056} {
		require.Panics(t, func() { shm.At[atomic.Int64](b, offset) })
	}
	require.NoError(t, b.Close())
	if runtime.GOOS == "linux" {
		maps, err := os.ReadFile("/proc/self/maps")
		require.NoError(t, err)
		require.NotContains(t, string(maps), "memfd:multiprocessing")
	}
}

func TestRefused(t *testing.T) {
	_, err := shm.New(0)
	require.Error(t, err)
	_, err = shm.New(-1)
	require.Error(t, err)
	// A file that its owner could make shorter under our feet.
	file, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	require.NoError(t, file.Truncate(100))
	_, err = shm.Map(file)
	if runtime.GOOS == "linux" {
		require.ErrorContains(t, err, "sealed")
	}
	m, err := shm.New(100)
	require.NoError(t, err)
	defer m.Close()
	if runtime.GOOS == "linux" {
		require.Error(t, m.File().Truncate(10))
	}
	require.True(t, strings.HasPrefix(m.File().Name(), "shared") || runtime.GOOS != "linux")
}
