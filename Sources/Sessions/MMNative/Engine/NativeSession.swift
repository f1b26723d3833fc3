/// The state that a session keeps between scripts: its variables.
package struct NativeSession: Sendable {
    /// The variables' values by lower-case name.
    package internal(set) var variables: [String: PSValue] = [:]
    /// The types that variables keep, by lower-case name.
    var types: [String: PSType] = [:]
    /// The lower-case names of variables that another engine of the same session has set, and whose values only it has.
    package var foreignVariables: Set<String> = []

    /// The same session with tables and lists of its own.
    var copied: NativeSession {
        var copies = SharedCopies()
        var session = self
        session.variables = variables.mapValues { copies.copied($0) }
        return session
    }

    /// Creates a session without variables.
    package init() {}
}

/// How a script ended in the native engine.
package enum NativeOutcome: Sendable {
    /// The script completed; its result may contain errors.
    case completed(NativeResult)
    /// The script needs a real PowerShell. `hasSent` tells whether a source's cmdlet had run by then: a script that
    /// writes must then not be run again.
    case handedOver(reason: String, hasSent: Bool)
    /// The script was cancelled or ran out of time; the result holds the output that was not yet delivered.
    case stopped(NativeResult, hasSent: Bool)
}

/// A script's complete output.
package struct NativeResult: Sendable {
    /// The output stream.
    package var objects: [PSValue] = []
    /// The error stream.
    package var errors: [NativeError] = []
    /// The warning stream.
    package var warnings: [String] = []
    /// The messages for the person.
    package var information: [String] = []
    /// The exception that ended the script.
    package var failure: NativeError?
    /// The code that the script gave to `exit`, where it ended so.
    package var exitCode: Int32?

    /// Creates an empty result.
    package init() {}
}
