package texture_test

import (
	"context"
	"encoding/json"
	"math"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/leaktest"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/04-fork-order/texture"
)

func TestMain(m *testing.M) {
	process.Main()
	leaktest.Main(m)
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // a hang detector
	t.Cleanup(cancel)
	return ctx
}

// In a goroutine and in a process: the same texture.
func TestTexture(t *testing.T) {
	size := texture.Size{X: 3, Y: 2}
	inline := texture.Texture.Inline(size, process.Config{})
	require.NoError(t, inline.Start())
	want, err := inline.Result(within(t))
	require.NoError(t, err)
	text, err := json.Marshal(want)
	require.NoError(t, err)
	require.Equal(t, `[[0,0.8828125,0.4306640625],[0.5078125,0.17578125,0.458984375]]`, string(text))
	if runtime.GOOS == "windows" {
		t.Skip("processes: not on Windows")
	}
	task := texture.Texture.New(size, process.Config{Stdout: t.Output(), Stderr: t.Output()})
	require.NoError(t, task.Start())
	got, err := task.Result(within(t))
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.NoError(t, task.Join(within(t)))
}

func TestSizesAreLimitedBeforeMemoryIs(t *testing.T) {
	for _, s := range []texture.Size{{X: 0, Y: 1}, {X: 1, Y: -1}, {X: math.MaxInt, Y: 2}, {X: 1 << 33, Y: 1 << 33}, {X: 1024, Y: 1025}, {X: 1, Y: math.MaxInt}} {
		task := texture.Texture.Inline(s, process.Config{})
		require.NoError(t, task.Start())
		_, err := task.Result(within(t))
		require.ErrorContains(t, err, "the product at most 1048576", "%v", s)
	}
}

func TestListening(t *testing.T) {
	ask := func(a texture.Address) (bool, error) {
		task := texture.Listening.Inline(texture.Server{ServerAddress: a}, process.Config{})
		require.NoError(t, task.Start())
		return task.Result(within(t))
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := texture.Address{Host: "127.0.0.1", Port: uint16(l.Addr().(*net.TCPAddr).Port)}
	yes, err := ask(address)
	require.NoError(t, err)
	require.True(t, yes)
	require.NoError(t, l.Close())
	yes, err = ask(address)
	require.NoError(t, err)
	require.False(t, yes)
	_, err = ask(texture.Address{Host: "127.0.0.1"})
	require.ErrorContains(t, err, "not complete")
}
