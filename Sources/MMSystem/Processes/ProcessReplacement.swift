import Glibc
package import MMCore

/// Another program in the place of this process (execve(2)): same process number, parent, environment and open streams.
package enum ProcessReplacement {
    /// Replaces this process. Signals are left as this process found them: the new program takes those it wants itself.
    /// - Parameters:
    ///   - program: its absolute path.
    ///   - arguments: the words after its name.
    /// - Throws: `unavailable` when the program can't be started; this process then goes on as it was.
    package static func run(_ program: String, _ arguments: [String]) throws(MMError) -> Never {
        let words = [program] + arguments
        guard words.allSatisfy({ !$0.utf8.contains(0) }) else {
            throw MMError(.invalidInput, "An argument for \(program) holds a NUL character.")
        }
        let list = words.map { strdup($0) } + [nil]
        defer { for word in list { free(word) } }
        // Blocked signals and ignored ones are handed down; handlers are not.
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
