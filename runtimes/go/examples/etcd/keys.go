package main

import (
	"strconv"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// pick returns which keys a request is about: one key, those that begin with it, or those from it up to another key.
func pick(key *string, prefix bool, end string) (first string, options []clientv3.OpOption, err error) {
	switch {
	case key == nil:
		return "", nil, missing("key")
	case prefix && end != "":
		return "", nil, invalid(`"prefix" and "range_end" exclude each other`)
	case prefix:
		options = append(options, clientv3.WithPrefix())
	case end != "":
		options = append(options, clientv3.WithRange(end))
	}
	return *key, options, nil
}

// leaseID reads the id of a lease, which is a string in JSON: not every language has whole numbers of 64 bits.
func leaseID(field, text string) (clientv3.LeaseID, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, invalid("%q must be the id of a lease, a decimal number in a string, not %q", field, text)
	}
	return clientv3.LeaseID(id), nil
}

func leaseText[ID ~int64](id ID) string { return strconv.FormatInt(int64(id), 10) }
