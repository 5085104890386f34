package demo.etcd;

import java.util.List;

/** The configuration. */
record Settings(List<String> endpoints, String user, String password) {
    Settings {
        if (endpoints == null || endpoints.isEmpty()) {
            throw new IllegalArgumentException(
                    "endpoints is missing: etcd's addresses, such as [\"127.0.0.1:2379\"]");
        }
        for (String endpoint : endpoints) {
            if (endpoint == null || !endpoint.matches("[^\\s:/,]+:\\d{1,5}")) {
                throw new IllegalArgumentException(
                        "endpoints should be HOST:PORT each, but one is " + endpoint);
            }
        }
        if ((user == null) != (password == null) || "".equals(user) || "".equals(password)) {
            throw new IllegalArgumentException("user and password go together: give both, or none");
        }
    }
}
