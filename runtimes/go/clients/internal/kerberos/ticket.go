package kerberos

import (
	"time"

	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// RefusedError is why a KDC gives no ticket: the principal, its key or the service is not what it knows.
type RefusedError struct{ text string }

func (e *RefusedError) Error() string { return e.text }

// margin is for how long a ticket that is used again has to be good.
const margin = time.Minute

// Ticket is one for a service, with what its use needs.
type Ticket struct {
	messages.Ticket
	Key    types.EncryptionKey // of the session
	Client types.PrincipalName
	Realm  string // the client's
	until  time.Time
	host   string
}

func (t *Ticket) good() bool { return t != nil && time.Until(t.until) > margin }

func ticketOf(granted messages.KDCRepFields, client types.PrincipalName, realm string) *Ticket {
	part := granted.DecryptedEncPart
	return &Ticket{Ticket: granted.Ticket, Key: part.Key, Client: client, Realm: realm, until: part.EndTime}
}
