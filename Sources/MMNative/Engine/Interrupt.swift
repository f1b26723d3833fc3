/// The reason why an evaluation was interrupted.
enum Interrupt: Error {
    /// The script needs a real PowerShell; everything computed so far is discarded.
    case handOver(String)
    /// The script was cancelled or its time is up.
    case stopped
    /// An error that ends the statement; the next one runs.
    case statement(NativeError)
    /// An exception that ends the script.
    case fatal(NativeError)
    /// A stage of the pipeline needs no more input, so everything before it ends.
    case stopUpstream(ObjectIdentifier)
    /// `return` inside a script block.
    case leaveBlock
    /// A statement error inside a block that should return a value.
    case blockFailed(NativeError)
    /// `break` or `continue`, with its label if it has one.
    case leaveLoop(isBreak: Bool, label: String?)
}

/// An error record: its id in PowerShell and a message.
package struct NativeError: Sendable, Hashable {
    /// The fully qualified error id.
    package let id: String
    /// The message, for people: only the id is guaranteed to be PowerShell's own.
    package let message: String
    /// The category, such as `ObjectNotFound`, if known.
    package let category: String?
    /// The command that raised the error, if known.
    package let command: String?
    /// Whether scripts may read the message, because it is the script's or the service's own or equals PowerShell's.
    package let isReadable: Bool

    /// Creates an error record.
    package init(
        _ id: String, _ message: String, category: String? = nil, command: String? = nil, isReadable: Bool = false
    ) {
        self.id = id
        self.message = message
        self.category = category
        self.command = command
        self.isReadable = isReadable
    }
}
