package io.github.restyffi;

/**
 * The log of the host as a {@link System.Logger}. Nothing else is redirected: {@link
 * System#getLogger} and other logging libraries keep their own destinations.
 *
 * <p>TRACE and DEBUG become the level {@code debug} of the host, INFO and ALL become {@code info},
 * WARNING becomes {@code warn}, and ERROR becomes {@code error}. The levels {@code notice} and
 * {@code crit} have methods of their own. The settings of the host decide which levels are written;
 * {@link #isLoggable} is true for every level but OFF.
 *
 * <p>Any thread may log. No method blocks. After the runtime has been unloaded, lines are dropped.
 */
public interface HostLogger extends System.Logger {
    /**
     * Logs at the level {@code notice}, which is between info and warn.
     *
     * @param message the message, as it is: it is not a format
     */
    void notice(String message);

    /**
     * Logs at the level {@code crit}, which is above error.
     *
     * @param message the message, as it is: it is not a format
     */
    void critical(String message);
}
