/// A program to start, with everything it receives. It inherits nothing else from this process.
package struct ChildCommand: Sendable {
    /// What one of the child's standard descriptors is connected to.
    package enum Stream: Sendable, Hashable {
        /// The null device.
        case null
        /// A pipe whose other end this process holds.
        case pipe
        /// The child's own pseudo-terminal; needs `terminal`.
        case terminal
        /// The same as the child's output; only for its error output.
        case output
        /// This descriptor, which the caller keeps.
        case descriptor(Int32)
    }

    /// A kernel resource limit for the child.
    package struct Limit: Sendable, Hashable {
        /// The resource's number, such as `RLIMIT_AS`.
        package var resource: Int32
        /// The soft and hard limit.
        package var value: UInt64

        package init(resource: Int32, value: UInt64) {
            self.resource = resource
            self.value = value
        }
    }

    /// The program's absolute path.
    package var executable: String
    /// The arguments after the program's name.
    package var arguments: [String]
    /// The program's `argv[0]`; nil for its path.
    package var name: String?
    /// The complete environment.
    package var environment: [String: String]
    /// The working directory; nil for that of this process.
    package var directory: String?
    /// Standard input (descriptor 0).
    package var input: Stream = .null
    /// The number of bytes that a pipe to its input should hold, for large transfers; `nil` for the kernel's default.
    package var inputCapacity: Int32?
    /// Standard output (descriptor 1).
    package var output: Stream = .pipe
    /// Standard error (descriptor 2).
    package var error: Stream = .pipe
    /// Descriptors of this process that become the child's 3, 4, 5 and so on.
    package var extraDescriptors: [Int32] = []
    /// The size of a new pseudo-terminal that becomes the child's controlling terminal; nil for none.
    package var terminal: Terminal.Size?
    /// The signal that the child gets when this process ends for any reason; nil to let it live on.
    package var deathSignal: Int32? = 9
    /// Whether the child stays in this process's session and process group, as a pager must, which reads keys from the
    /// same terminal; otherwise it leads a session and a group of its own.
    package var sharesSession = false
    /// Kernel resource limits.
    package var limits: [Limit] = []
    /// Whether to kill the rest of the child's process group when the child ends.
    package var endsGroup = true

    /// Creates a command with no input and with its output and errors in pipes.
    package init(
        _ executable: String, _ arguments: [String] = [], environment: [String: String], directory: String? = nil
    ) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.directory = directory
    }
}
