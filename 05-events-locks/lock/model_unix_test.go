//go:build unix

package lock_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/04-fork-order/process/processtest"
	"example.com/multiprocessing/05-events-locks/lock"
)

type player struct {
	Lock    either
	Journal string
	Seed    uint64
	ID      int // not the pid: in minutes the kernel gives the same one again
}

// play takes the lock again and again, in all ways there are, and writes down in the
// journal when it has it and when it is about to give it back.
var play = process.Func("play", func(ctx context.Context, p player) (struct{}, error) {
	random := rand.New(rand.NewPCG(p.Seed, 1))
	journal, err := os.OpenFile(p.Journal, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return struct{}{}, err
	}
	defer journal.Close()
	l := p.Lock.lock()
	defer l.Close()
	for ctx.Err() == nil {
		var grant lock.Grant
		var err error
		switch random.IntN(4) {
		case 0:
			grant, err = l.TryAcquire()
		case 1:
			short, cancel := context.WithTimeout(ctx, time.Millisecond)
			grant, err = l.Acquire(short)
			cancel()
		case 2:
			grant, err = l.Acquire(ctx)
		case 3:
			grant, err = l.Acquire(context.Background())
		}
		if err != nil {
			continue // not now
		}
		// One write with O_APPEND is one line, whole and in order. All lines have the same
		// length, which divides that of a page: a process that is killed in the middle of a
		// write(2) has written a page of it, or none.
		write := func(format string, args ...any) {
			fmt.Fprintf(journal, "%-63s\n", fmt.Sprintf(format, args...))
		}
		write("begin %d %d %t", p.ID, grant.Token, grant.PrevDied)
		for range random.IntN(2000) {
			busy++ // something that takes time
		}
		write("end %d", p.ID)
		if err := l.Release(); err != nil {
			return struct{}{}, err
		}
	}
	return struct{}{}, nil
})

var busy int

// TestModel lets processes fight for a lock while they are killed and stopped at any
// moment, and then reads the journal: never two holders, tokens that only grow, and
// the right word about the one before. LOCK_SEED repeats a run, as far as processes
// can; SOAK=1 makes it minutes.
func TestModel(t *testing.T) { forBoth(t, model) }

func model(t *testing.T, l lock.Lock) {
	length := 5 * time.Second // for each kind
	switch {
	case os.Getenv("SOAK") != "":
		length = 2 * time.Minute
	case testing.Short():
		length = 500 * time.Millisecond
	}
	seed := rand.Uint64()
	if text := os.Getenv("LOCK_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("LOCK_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	journal := filepath.Join(dir, "journal")
	require.NoError(t, os.WriteFile(journal, nil, 0o600))

	const players = 6
	tasks := make([]*process.Task[struct{}], players)
	killed := map[int]bool{}
	ids, last := make([]int, players), 0
	begin := func(i int) {
		last++
		ids[i] = last
		tasks[i] = play.New(player{of(l), journal, random.Uint64(), last}, processtest.Quiet(t))
		require.NoError(t, tasks[i].Start())
	}
	for i := range tasks {
		begin(i)
	}
	defer func() {
		for _, task := range tasks {
			_ = task.Kill()
			<-task.Done()
		}
	}()
	// On a busy machine the holder may be stopped most of the time, so that little happens.
	enough := func() bool {
		info, err := os.Stat(journal)
		return err != nil || info.Size() > 1000
	}
	for from := time.Now(); time.Since(from) < length || !enough() && time.Since(from) < processtest.Patience; {
		for range random.IntN(50_000) {
			busy++
		}
		i := random.IntN(players)
		switch random.IntN(3) {
		case 0:
			killed[ids[i]] = true
			require.NoError(t, tasks[i].Kill())
			require.NoError(t, tasks[i].Join(processtest.Within(t)))
			begin(i)
		case 1:
			require.NoError(t, syscall.Kill(tasks[i].PID(), syscall.SIGSTOP))
		case 2:
			require.NoError(t, syscall.Kill(tasks[i].PID(), syscall.SIGCONT))
		}
	}
	// Nobody waits for the dead: when all are dead or go on, it is free.
	for i, task := range tasks {
		killed[ids[i]] = true
		if i%2 == 0 {
			require.NoError(t, task.Kill())
		} else {
			require.NoError(t, syscall.Kill(task.PID(), syscall.SIGCONT))
		}
	}
	grant, err := l.Acquire(processtest.Within(t))
	require.NoError(t, err)
	for _, task := range tasks {
		require.NoError(t, task.Kill())
		require.NoError(t, task.Join(processtest.Within(t)))
	}
	text, err := os.ReadFile(journal)
	require.NoError(t, err)
	grants := readJournal(t, string(text), killed)
	t.Logf("%d grants, %d processes killed, the last token is %d", grants, len(killed), grant.Token)
	require.Greater(t, grants, 10)
}

// readJournal checks what the holders have written, and returns how many there were.
func readJournal(t *testing.T, text string, killed map[int]bool) (grants int) {
	t.Helper()
	var holder int   // who has it, or had it last
	var ended bool   // and was about to give it back
	var token uint64 // the last one
	lines := strings.SplitAfter(text, "\n")
	last := map[int]int{} // by player: its last line; before that it was alive
	for i, line := range lines {
		if fields := strings.Fields(line); len(fields) > 1 {
			id, err := strconv.Atoi(fields[1])
			require.NoError(t, err)
			last[id] = i
		}
	}
	for i, line := range lines[:len(lines)-1] {
		fields := strings.Fields(line)
		id, err := strconv.Atoi(fields[1])
		require.NoError(t, err)
		if fields[0] == "end" {
			require.Equal(t, holder, id, "somebody else has the lock: %s", line)
			require.False(t, ended, line)
			ended = true
			continue
		}
		grants++
		next, err := strconv.ParseUint(fields[2], 10, 64)
		require.NoError(t, err)
		require.Greater(t, next, token, "the token has not grown: %s", line)
		prevDied := fields[3] == "true"
		skipped := next > token+1 // somebody had it and was killed before he could write that down
		switch {
		case holder == 0 || skipped:
		case !ended:
			require.True(t, killed[holder], "two have the lock: %d and %s", holder, line)
			require.True(t, prevDied, "the one before was killed while he had it: %s", line)
		case last[holder] > i:
			require.False(t, prevDied, "the one before is alive: %s", line)
		}
		if !ended && holder != 0 {
			require.True(t, killed[holder], "two have the lock: %d and %s", holder, line)
		}
		holder, ended, token = id, false, next
	}
	return grants
}
