package io.github.restyffi;

/**
 * The host's log as a {@link System.Logger}. Nothing is redirected: {@link System#getLogger} and
 * other logging stay as they are.
 *
 * <p>Levels become the host's: TRACE and DEBUG {@code debug}, INFO {@code info}, WARNING {@code
 * warn}, ERROR {@code error}. The host has two more, which have methods of their own. Which levels
 * are written is the host's setting. Any thread may log, and no call blocks.
 */
public interface HostLogger extends System.Logger {
    /**
     * Logs at the host's level {@code notice}, between info and warn.
     *
     * @param message the message
     */
    void notice(String message);

    /**
     * Logs at the host's level {@code crit}, above error.
     *
     * @param message the message
     */
    void critical(String message);
}
