package demo.grpc;

/** The configuration. */
record Settings(String address, Tls tls) {
    /** Paths of PEM files; {@code host} is the name in the server's certificate. */
    record Tls(String ca, String cert, String key, String host) {
        Tls {
            if (ca == null) {
                throw new IllegalArgumentException("ca is missing: the server's authority, a path");
            }
            if ((cert == null) != (key == null)) {
                throw new IllegalArgumentException("cert and key go together: give both, or none");
            }
        }
    }

    Settings {
        if (address == null || !address.matches("\\S+:\\d{1,5}")) {
            throw new IllegalArgumentException("address should be HOST:PORT, but is " + address);
        }
    }
}
