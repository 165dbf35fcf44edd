//go:build unix

package pool_test

import (
	"testing"

	"example.com/multiprocessing/04-fork-order/process/processtest"
)

func TestMain(m *testing.M) { processtest.Main(m) }
