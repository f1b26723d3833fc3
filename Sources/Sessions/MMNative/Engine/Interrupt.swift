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
    /// An exception that ends the script, and that no block of a cmdlet turns into an empty value: a service refused a
    /// request, so its answer is unknown.
    case refused(NativeError)
    /// Nobody answered a question of the script. The run ends: to the script this is no error that it could handle.
    case unanswered(NativeError)
    /// `exit`, with its code.
    case exit(Int32)
    /// A stage of the pipeline needs no more input, so everything before it ends.
    case stopUpstream(ObjectIdentifier)
    /// `return` inside a script block, with what the statement that it left had emitted.
    case leaveBlock([PSValue])
    /// `return` inside a method of a class, with the method's value.
    case leaveMethod(PSValue)
    /// A statement error inside a block that should return a value.
    case blockFailed(NativeError)
    /// `break` or `continue`, optionally for the loop with a label, with what the statement that it left had emitted.
    case leaveLoop(isBreak: Bool, label: String?, [PSValue])

    /// Returns whether this jump continues a loop or `switch` with its next round; `nil` if the jump is for another
    /// loop.
    func endsLoop(_ label: String?) -> Bool? {
        guard case .leaveLoop(let isBreak, let wanted, _) = self else { return nil }
        guard wanted == nil || wanted?.lowercased() == label?.lowercased() else { return nil }
        return isBreak
    }

    /// The output that a jump carries out of the statements that were collecting it.
    var carried: [PSValue] {
        switch self {
        case .leaveBlock(let items), .leaveLoop(_, _, let items): items
        default: []
        }
    }

    /// Returns the same jump out of one more statement: with that statement's output before what it carries, or with no
    /// output.
    func leaving(with items: [PSValue]?) -> Interrupt {
        switch self {
        case .leaveBlock(let carried): .leaveBlock(items.map { $0 + carried } ?? [])
        case .leaveLoop(let isBreak, let label, let carried):
            .leaveLoop(isBreak: isBreak, label: label, items.map { $0 + carried } ?? [])
        default: self
        }
    }
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
    /// The full name of the type of the exception that a script threw; `nil` if it didn't throw a typed one.
    let exception: String?
    /// The status of the answer with which a service refused a request of the script's own.
    package let status: Int32?
    /// The value that a script threw; `nil` if it threw an exception or nothing.
    private(set) var thrown: ThrownValue?
    /// Whether the variables of the command that it ends have it already.
    private(set) var isKept = false

    /// Creates an error record.
    package init(
        _ id: String, _ message: String, category: String? = nil, command: String? = nil, isReadable: Bool = false,
        status: Int32? = nil
    ) {
        self.init(id, message, category, command, isReadable, exception: nil, status: status)
    }

    /// Returns the record of an exception that a script throws.
    static func thrown(_ exception: String, _ message: String) -> NativeError {
        NativeError(exception, message, nil, "throw", true, exception: exception)
    }

    /// Returns the record of a value that a script throws, which isn't an exception.
    static func thrown(_ value: PSValue, _ message: String) -> NativeError {
        var error = NativeError("RuntimeException", message, command: "throw", isReadable: true)
        error.thrown = ThrownValue(value)
        return error
    }

    private init(
        _ id: String, _ message: String, _ category: String?, _ command: String?, _ isReadable: Bool,
        exception: String?, status: Int32? = nil
    ) {
        self.exception = exception
        self.status = status
        self.id = id
        self.message = message
        self.category = category
        self.command = command
        self.isReadable = isReadable
    }

    /// The same error, which the variables of the command that it ends have already.
    var kept: NativeError {
        var error = self
        error.isKept = true
        return error
    }

    /// Returns the same error after it has left a block of a cmdlet, which adds its class to the id.
    func leaving(_ className: String) -> NativeError {
        guard !id.isEmpty, !id.contains(",") else { return self }
        return NativeError(
            "\(id),Microsoft.PowerShell.Commands.\(className)", message, category: category, command: command,
            isReadable: isReadable)
    }
}

/// A value that a script threw. No two that were thrown are the same.
final class ThrownValue: Sendable, Hashable {
    let value: PSValue

    init(_ value: PSValue) { self.value = value }

    static func == (left: ThrownValue, right: ThrownValue) -> Bool { left === right }

    func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

extension NativeError {
    /// The error of a method that a type doesn't have.
    static func missingMethod(_ name: String, of type: String, isReadable: Bool = false) -> NativeError {
        NativeError(
            "MethodNotFound", "Method invocation failed because [\(type)] does not contain a method named '\(name)'.",
            isReadable: isReadable)
    }
}
