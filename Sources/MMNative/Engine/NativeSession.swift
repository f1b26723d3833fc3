/// What lasts between the scripts of one session: its variables.
package struct NativeSession: Sendable {
    /// Values by name in small letters.
    package internal(set) var variables: [String: PSValue] = [:]
    /// Names, in small letters, that another engine of the same session has set: their values are there, not here.
    package var foreignVariables: Set<String> = []

    /// A fresh session.
    package init() {}
}

/// How a script ended in the native engine.
package enum NativeOutcome: Sendable {
    /// It ran; errors may be among the results.
    case completed(NativeResult)
    /// It needs a real PowerShell. `hasSent` tells whether a source cmdlet ran before that was known: a script that
    /// writes must then not be run once more.
    case handedOver(reason: String, hasSent: Bool)
    /// It was called off, or its time was over: what it had put out by then and nobody has received.
    case stopped(NativeResult, hasSent: Bool)
}

/// All that a script put out.
package struct NativeResult: Sendable {
    /// The objects.
    package var objects: [PSValue] = []
    /// The error stream.
    package var errors: [NativeError] = []
    /// The warning stream.
    package var warnings: [String] = []
    /// What was said to the person.
    package var information: [String] = []
    /// The exception that ended the script.
    package var failure: NativeError?

    /// Nothing put out yet.
    package init() {}
}
