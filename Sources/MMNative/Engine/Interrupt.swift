/// Why an evaluation stopped where it stood.
enum Interrupt: Error {
    /// The script needs what only a real PowerShell knows. Nothing of what was computed counts.
    case handOver(String)
    /// The script was called off, or its time is over.
    case stopped
    /// An error that ends the statement; the next one runs.
    case statement(NativeError)
    /// An exception that ends the script.
    case fatal(NativeError)
    /// A pipeline element has enough: everything before it ends.
    case stopUpstream(ObjectIdentifier)
    /// `return` inside a script block.
    case leaveBlock
    /// A statement error inside a block that is asked for a value.
    case blockFailed(NativeError)
    /// `break` or `continue`, with the label when there is one.
    case leaveLoop(isBreak: Bool, label: String?)
}

/// An error record: what PowerShell calls it, and what it says.
package struct NativeError: Sendable, Hashable {
    /// The fully qualified error id.
    package let id: String
    /// The words. They are for people: only the id is PowerShell's own.
    package let message: String
    /// The category, such as `ObjectNotFound`, where it is known.
    package let category: String?
    /// The command that raised it, where it is known.
    package let command: String?
    /// Whether a script may read the words: they are the script's or the service's own, or PowerShell has the same.
    package let isReadable: Bool

    /// An error record.
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
