import Glibc

/// The three streams that a program gets from its caller.
package enum StandardStreams {
    /// Occupies those that the caller has closed. Otherwise the first files that the program opens get their numbers,
    /// and output would be written into these files.
    ///
    /// Input is then empty, and every write fails, as it does for a closed stream. Call it before any file is opened.
    package static func occupyClosed() {
        // The kernel assigns the lowest free number, so each `open` takes the place that was just found closed.
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            _ = open("/dev/null", O_RDONLY)
        }
    }
}
