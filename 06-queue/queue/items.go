package queue

import (
	"fmt"
	"os"

	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/06-queue/shm"
)

// encodeItems encodes items for the wire: most of them into the payload, and large ones
// into files.
func encodeItems[T any](items []T) (payload []byte, files []*os.File, err error) {
	for i, one := range items {
		at := len(payload)
		payload = append(payload, make([]byte, lengthSize)...)
		if payload, err = process.Append(payload, one); err != nil {
			return nil, files, fmt.Errorf("item %d: %w", i, err)
		}
		data := payload[at+lengthSize:]
		if len(data) <= large {
			putLength(payload[at:], len(data))
			continue
		}
		if len(data) > MaxItem {
			return nil, files, fmt.Errorf("item %d has %d bytes, and the limit is %d; write it to a file and put the path", i, len(data), MaxItem)
		}
		memory, err := shm.New(len(data))
		if err != nil {
			return nil, files, fmt.Errorf("item %d of %d bytes: %w", i, len(data), err)
		}
		copy(memory.Bytes(), data)
		file, err := memory.Unmap()
		if err != nil {
			return nil, files, fmt.Errorf("item %d of %d bytes: %w", i, len(data), err)
		}
		files = append(files, file)
		payload = appendMark(payload[:at])
	}
	return payload, files, nil
}

// partsOf takes apart what encodeItems has made.
func partsOf(m message) (parts []*item, err error) {
	files := m.files
	err = splitItems(m.payload, func(data []byte, file bool) error {
		one := &item{data: data}
		if file {
			if len(files) == 0 {
				return errNonsense
			}
			one.file, files = files[0], files[1:]
		}
		parts = append(parts, one)
		return nil
	})
	return parts, err
}

func decodePart[T any](part *item) (T, error) {
	if part.file == nil {
		return process.Decode[T](part.data)
	}
	var none T
	memory, err := shm.Map(part.file)
	part.file = nil // it is the Memory's now
	if err != nil {
		return none, err
	}
	defer memory.Close()
	return process.Decode[T](memory.Bytes())
}

func dropParts(parts []*item) {
	for _, part := range parts {
		part.drop()
	}
}

func dropFiles(files []*os.File) {
	for _, file := range files {
		_ = file.Close()
	}
}
