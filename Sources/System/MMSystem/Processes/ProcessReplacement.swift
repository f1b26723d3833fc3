import Glibc
package import MMCore

/// Replaces this process with another program (execve(2)), keeping its id, parent, environment and open streams.
package enum ProcessReplacement {
    /// Replaces this process, with no signal blocked and SIGPIPE at its default; the new program sets up its own signal
    /// handling.
    /// - Parameters:
    ///   - program: its absolute path.
    ///   - arguments: the arguments after its name.
    /// - Throws: `unavailable` when the program can't be started; this process then continues unchanged.
    package static func run(_ program: String, _ arguments: [String]) throws(MMError) -> Never {
        let words = [program] + arguments
        guard words.allSatisfy({ !$0.utf8.contains(0) }) else {
            throw MMError(.invalidInput, "An argument for \(program) contains a NUL character.")
        }
        let list = words.map { strdup($0) } + [nil]
        defer { for word in list { free(word) } }
        // exec preserves blocked and ignored signals; handlers are reset.
        var none = sigset_t()
        var before = sigset_t()
        sigemptyset(&none)
        let pipes = signal(SIGPIPE, SIG_DFL)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        execv(program, list)
        let number = errno
        pthread_sigmask(SIG_SETMASK, &before, nil)
        signal(SIGPIPE, pipes)
        throw SystemError.error("Starting \(program)", number)
    }
}
