package kerberos

import (
	"time"

	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// A RefusedError says why a KDC refuses a ticket: it does not know the principal, its key or the service.
type RefusedError struct{ text string }

func (e *RefusedError) Error() string { return e.text }

// margin is how long a ticket must still be valid to be reused.
const margin = time.Minute

// A Ticket is a ticket for a service, with all that is needed to use it.
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
