//go:build unix && !linux

package worker

const fionread = 0x4004667f // FIONREAD, on macOS and the BSDs
