package restyffi

import "sync"

// callTable finds the calls in flight by id. Its buckets link the calls themselves, so a call that is answered at once
// costs two short locks and no memory.
type callTable struct {
	buckets [1 << bucketBits]bucket
}

const bucketBits = 9

type bucket struct {
	mu    sync.Mutex
	first *call
}

func (t *callTable) bucket(id uint64) *bucket {
	// Fibonacci hashing: ids may be consecutive, or multiples of a number.
	return &t.buckets[id*0x9e3779b97f4a7c15>>(64-bucketBits)]
}

func (t *callTable) add(c *call) {
	b := t.bucket(c.id)
	b.mu.Lock()
	c.next = b.first
	b.first = c
	b.mu.Unlock()
}

func (t *callTable) remove(c *call) {
	b := t.bucket(c.id)
	b.mu.Lock()
	for link := &b.first; *link != nil; link = &(*link).next {
		if *link == c {
			*link = c.next
			break
		}
	}
	c.next = nil
	b.mu.Unlock()
}

// find returns the call with this id, or nil if it is not in flight.
func (t *callTable) find(id uint64) *call {
	b := t.bucket(id)
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.first
	for c != nil && c.id != id {
		c = c.next
	}
	return c
}

// all returns the calls in flight.
func (t *callTable) all() []*call {
	var list []*call
	for i := range t.buckets {
		b := &t.buckets[i]
		b.mu.Lock()
		for c := b.first; c != nil; c = c.next {
			list = append(list, c)
		}
		b.mu.Unlock()
	}
	return list
}
