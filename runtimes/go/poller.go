package restyffi

import (
	"fmt"
	"os"
	"syscall"
)

// poller waits for frames in Go's network poller. A poll that blocks in C would hold one of the scheduler's processors
// while nothing happens, and cost ten times as much. It belongs to the goroutine that serves at the time.
type poller struct {
	rt     *Runtime
	file   *os.File // a duplicate of the queue's descriptor
	conn   syscall.RawConn
	poll   func(fd uintptr) bool // bound once: a closure for each wait would be an allocation
	frames [batchSize]frame
	n      int
}

func (p *poller) open(rt *Runtime) error {
	fd, err := syscall.Dup(rt.queue.descriptor())
	if err != nil {
		return fmt.Errorf("the descriptor of the queue cannot be duplicated: %w; raise the limit of open files", err)
	}
	syscall.CloseOnExec(fd)
	// os.NewFile hands only non-blocking descriptors to the network poller.
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

// wait returns the next frames, or nil when the runtime is to end.
func (p *poller) wait() []frame {
	// The poller waits edge-triggered, and the descriptor is never read: it becomes readable anew with each write.
	if err := p.conn.Read(p.poll); err != nil || p.n < 0 {
		return nil
	}
	return p.frames[:p.n]
}
