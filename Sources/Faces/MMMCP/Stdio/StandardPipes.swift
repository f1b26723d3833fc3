import Glibc
import MMCore

/// The process's standard pipes, reserved for the protocol.
struct StandardPipes {
    let input: Int32
    let output: Int32

    /// Takes both pipes over: from here on, whatever libraries and child processes print goes to standard error, and
    /// their standard input is empty.
    /// - Throws: `MMError` when a descriptor is closed or can't be copied.
    static func claim() throws(MMError) -> StandardPipes {
        let input = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
        guard input >= 0 else { throw failure("standard input") }
        let output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
        guard output >= 0 else { throw failure("standard output") }
        let nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard nothing >= 0, dup2(nothing, STDIN_FILENO) >= 0 else { throw failure("/dev/null") }
        if nothing != STDIN_FILENO { close(nothing) }
        // Even with standard error closed, nobody else may write to the wire.
        if dup2(STDERR_FILENO, STDOUT_FILENO) < 0 {
            let sink = open("/dev/null", O_WRONLY | O_CLOEXEC)
            guard sink >= 0, dup2(sink, STDOUT_FILENO) >= 0 else { throw failure("/dev/null") }
            if sink != STDOUT_FILENO { close(sink) }
        }
        return StandardPipes(input: input, output: output)
    }

    private static func failure(_ what: String) -> MMError {
        MMError(
            .unavailable, "\(what) can't be used: \(String(cString: strerror(errno))).",
            hint: "Start the server from an MCP client, with pipes on standard input and output."
        )
    }
}
