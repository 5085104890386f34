package kerberos

// Options name the client, the service and the KDCs. Files are read for each login.
type Options struct {
	User     string // without its realm
	Realm    string // "" is the default realm of Config
	Password string
	Keytab   string // a file; "" if there is a password
	Service  string // the first part of the services' names
	Config   string // a file as krb5.conf
}
