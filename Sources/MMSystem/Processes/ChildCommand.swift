/// A program to start, and everything it is given. Nothing is taken over from this process by itself.
package struct ChildCommand: Sendable {
    /// What one of the child's standard descriptors is.
    package enum Stream: Sendable, Hashable {
        /// The null device.
        case null
        /// A pipe whose other end is ours.
        case pipe
        /// The child's own pseudo-terminal; needs `terminal`.
        case terminal
        /// The same as its output; for errors only.
        case output
        /// This descriptor of ours, which stays ours.
        case descriptor(Int32)
    }

    /// A limit of the kernel on the child.
    package struct Limit: Sendable, Hashable {
        /// The resource's number: `RLIMIT_AS` and its like.
        package var resource: Int32
        /// The limit, soft and hard.
        package var value: UInt64

        package init(resource: Int32, value: UInt64) {
            self.resource = resource
            self.value = value
        }
    }

    /// The program's absolute path.
    package var executable: String
    /// What follows the program's own name.
    package var arguments: [String]
    /// The name it is told to have; nil means its path.
    package var name: String?
    /// All of its environment.
    package var environment: [String: String]
    /// Where it starts; nil means where we are.
    package var directory: String?
    /// Its descriptor 0.
    package var input: Stream = .null
    /// Its descriptor 1.
    package var output: Stream = .pipe
    /// Its descriptor 2.
    package var error: Stream = .pipe
    /// Descriptors of ours that become its 3, 4, 5 and so on.
    package var extraDescriptors: [Int32] = []
    /// The size of a pseudo-terminal that is made for it and becomes its controlling one; nil for none.
    package var terminal: Terminal.Size?
    /// What it gets when this process ends, however it ends; nil lets it live on.
    package var deathSignal: Int32? = 9
    /// Limits of the kernel.
    package var limits: [Limit] = []
    /// Whether what is left of its process group is killed when it ends.
    package var endsGroup = true

    /// A program with this environment, without input, its output in pipes.
    package init(
        _ executable: String, _ arguments: [String] = [], environment: [String: String], directory: String? = nil
    ) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.directory = directory
    }
}
