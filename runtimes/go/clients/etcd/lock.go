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

// releaseTimeout bounds how long the release of a lock waits for etcd.
const releaseTimeout = 5 * time.Second

type lockRequest struct {
	Name    string  `msgpack:"name"`
	TTL     int64   `msgpack:"ttl"`
	Try     bool    `msgpack:"try"`
	Timeout float64 `msgpack:"timeout"` // seconds to wait for a lock that is held
}

type lockAnswer struct {
	Key      string `msgpack:"key"`
	Revision int64  `msgpack:"revision"`
}

// lock serves a stream that holds a lock. A message says that the lock is held. The lock is released when the caller closes
// its direction or goes away. The stream has a lease of its own.
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
		return restyffi.Errorf(int(codes.Aborted), "the lock %q is held by another holder", body.Name)
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

// hold returns when the lock is to be released, and returns an error when the lock is lost.
func (c *client) hold(ctx context.Context, body *lockRequest, session *concurrency.Session, s *pool.Stream) error {
	end := make(chan error, 1)
	go func() { end <- s.Recv(&none{}) }() // the caller sends no messages
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

// release frees a lock at once, because the key of the lock is deleted with its lease. It has a timeout of its own, because
// the caller may have gone. If it fails, the lock is free when the lease expires.
func (c *client) release(id clientv3.LeaseID) error {
	ctx, cancel := context.WithTimeout(c.Ctx(), releaseTimeout)
	defer cancel()
	_, err := c.Revoke(ctx, id)
	return err
}
