package main

import (
	"context"
	"errors"
	"io"
	"time"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/pool"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
	"google.golang.org/grpc/codes"
)

// releaseTimeout bounds how long the end of a lock waits for etcd.
const releaseTimeout = 5 * time.Second

type lockRequest struct {
	Name    string  `msgpack:"name"`
	TTL     int64   `msgpack:"ttl"`
	Try     bool    `msgpack:"try"`
	Timeout float64 `msgpack:"timeout"` // seconds until the lock is given up that another one holds
}

type lockAnswer struct {
	Key      string `msgpack:"key"`
	Revision int64  `msgpack:"revision"`
}

// lock is a stream that holds a lock: a message says that it is held, and it is released when the caller has closed its
// direction, or has gone. The lease is the stream's own.
func (c *client) lock(ctx context.Context, body *lockRequest, s *pool.Stream) (err error) {
	waiting, cancel := context.WithTimeout(ctx, seconds(body.Timeout, usualConnectTimeout))
	defer cancel()
	granted, err := c.Grant(waiting, body.TTL)
	if err != nil {
		return err
	}
	defer func() {
		if failed := c.release(granted.ID); err == nil {
			err = failed
		}
	}()
	session, err := concurrency.NewSession(c.Client, concurrency.WithLease(granted.ID), concurrency.WithContext(ctx))
	if err != nil {
		return err
	}
	mutex := concurrency.NewMutex(session, body.Name)
	if body.Try {
		err = mutex.TryLock(waiting)
	} else {
		err = mutex.Lock(waiting)
	}
	switch {
	case errors.Is(err, concurrency.ErrLocked):
		return restyffi.Errorf(int(codes.Aborted), "the lock %q is held by another one", body.Name)
	case errors.Is(err, context.DeadlineExceeded) && c.connected():
		return restyffi.Errorf(restyffi.CodeTimeout, "the lock %q was held by others until the time was up", body.Name)
	case err != nil:
		return err
	}
	if err := s.Send(lockAnswer{mutex.Key(), mutex.Header().GetRevision()}); err != nil {
		return err
	}
	return c.hold(ctx, body, session, s)
}

// hold returns when the lock is to be released, or with an error if it was lost.
func (c *client) hold(ctx context.Context, body *lockRequest, session *concurrency.Session, s *pool.Stream) error {
	end := make(chan error, 1)
	go func() { end <- s.Recv(&none{}) }() // nothing else comes
	select {
	case err := <-end:
		if err == io.EOF {
			return nil
		}
		return err
	case <-session.Done():
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return restyffi.Errorf(int(codes.NotFound), "the lock %q is lost: its lease was not renewed in time", body.Name)
	}
}

// release frees a lock at once, since its key goes with its lease. The caller may have gone, so it has its own time;
// where it fails, the lease's time to live frees the lock.
func (c *client) release(id clientv3.LeaseID) error {
	ctx, cancel := context.WithTimeout(c.Ctx(), releaseTimeout)
	defer cancel()
	_, err := c.Revoke(ctx, id)
	return err
}
