package restyffi

import (
	"fmt"
	"os"
	"syscall"
)

// poller waits for frames in Go's network poller. A poll that blocks in C would hold one of the scheduler's processors and
// cost ten times as much. Only the goroutine that polls uses it.
type poller struct {
	rt     *Runtime
	file   *os.File // a duplicate of the queue's descriptor
	conn   syscall.RawConn
	poll   func(fd uintptr) bool // made once: a closure for each wait would be an allocation
	frames [batchSize]frame
	n      int
}

func (p *poller) open(rt *Runtime) error {
	fd, err := syscall.Dup(rt.queue.descriptor())
	if err != nil {
		return fmt.Errorf("the descriptor of the queue cannot be duplicated: %w; raise the limit of open files", err)
	}
	syscall.CloseOnExec(fd)
	// os.NewFile registers only non-blocking descriptors with the network poller.
	if err := syscall.SetNonblock(fd, true); err != nil {
		syscall.Close(fd)
		return fmt.Errorf("the descriptor of the queue cannot be made non-blocking: %w", err)
	}
	p.rt = rt
	p.file = os.NewFile(uintptr(fd), "resty-ffi")
	p.poll = func(uintptr) bool {
		p.n = p.rt.queue.poll(&p.frames)
		return p.n != 0
	}
	p.conn, err = p.file.SyscallConn()
	return err
}

// wait waits for frames and returns them. It returns nil when the runtime is to end.
func (p *poller) wait() []frame {
	// The network poller is edge-triggered, and nothing reads the descriptor: each write makes it readable again.
	if err := p.conn.Read(p.poll); err != nil || p.n < 0 {
		return nil
	}
	return p.frames[:p.n]
}
