package restyffi

// inbox is a queue of messages. The window of its stream bounds its length. It reuses its memory.
type inbox struct {
	messages []payload
	first    int
}

func (b *inbox) empty() bool { return b.first == len(b.messages) }

func (b *inbox) push(p payload) {
	// Moving the messages is cheap: it frees at least as many places as there are messages to move.
	if len(b.messages) == cap(b.messages) && b.first > len(b.messages)/2 {
		b.messages = b.messages[:copy(b.messages, b.messages[b.first:])]
		b.first = 0
	}
	b.messages = append(b.messages, p)
}

func (b *inbox) pop() payload {
	p := b.messages[b.first]
	b.first++
	if b.empty() {
		b.messages, b.first = b.messages[:0], 0
	}
	return p
}
