package main

import (
	"context"
	"strconv"
)

type statusRequest struct {
	Endpoint string `msgpack:"endpoint"`
}

// statusAnswer has ids as decimal strings.
type statusAnswer struct {
	Endpoint    string   `msgpack:"endpoint"`
	Version     string   `msgpack:"version"`
	ClusterID   string   `msgpack:"cluster_id"`
	MemberID    string   `msgpack:"member_id"`
	Leader      string   `msgpack:"leader,omitempty"`
	Revision    int64    `msgpack:"revision"`
	RaftTerm    uint64   `msgpack:"raft_term"`
	RaftIndex   uint64   `msgpack:"raft_index"`
	DBSize      int64    `msgpack:"db_size"`
	DBSizeInUse int64    `msgpack:"db_size_in_use"`
	IsLearner   bool     `msgpack:"is_learner"`
	Errors      []string `msgpack:"errors,omitempty"`
}

// status asks one member: by default, the first of the endpoints.
func (c *client) status(ctx context.Context, body *statusRequest) (*statusAnswer, error) {
	endpoint := body.Endpoint
	if endpoint == "" {
		endpoint = c.Endpoints()[0]
	}
	r, err := c.Status(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	answer := &statusAnswer{
		Endpoint:    endpoint,
		Version:     r.Version,
		ClusterID:   idOf(r.Header.GetClusterId()),
		MemberID:    idOf(r.Header.GetMemberId()),
		Revision:    r.Header.GetRevision(),
		RaftTerm:    r.RaftTerm,
		RaftIndex:   r.RaftIndex,
		DBSize:      r.DbSize,
		DBSizeInUse: r.DbSizeInUse,
		IsLearner:   r.IsLearner,
		Errors:      r.Errors,
	}
	if r.Leader != 0 {
		answer.Leader = idOf(r.Leader)
	}
	return answer, nil
}

type member struct {
	ID         string   `msgpack:"id"`
	Name       string   `msgpack:"name"`
	ClientURLs []string `msgpack:"client_urls"`
	PeerURLs   []string `msgpack:"peer_urls"`
	IsLearner  bool     `msgpack:"is_learner"`
}

func (c *client) members(ctx context.Context, _ *none) ([]member, error) {
	r, err := c.MemberList(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]member, len(r.Members))
	for i, m := range r.Members {
		list[i] = member{idOf(m.ID), m.Name, nonNil(m.ClientURLs), nonNil(m.PeerURLs), m.IsLearner}
	}
	return list, nil
}

func nonNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// idOf returns an id of 64 bits as a string, because Lua's numbers have 53 bits.
func idOf(id uint64) string { return strconv.FormatUint(id, 10) }

// endpoints returns the endpoints that the client uses now: those of its options, or those that auto_sync_interval has found.
func (c *client) endpoints(context.Context, *none) ([]string, error) { return c.Endpoints(), nil }
