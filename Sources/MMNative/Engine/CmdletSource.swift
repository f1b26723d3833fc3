/// Carries out cmdlets whose objects come from elsewhere: a service, a file. The engine puts them at the head of a
/// pipeline and reads their rows as the pipeline asks for them.
package protocol CmdletSource: Sendable {
    /// Whether a name, in any case, is one of this source's cmdlets.
    func knows(_ name: String) -> Bool
    /// Looks a call over without sending anything, so that a script's faults are known before its first request.
    /// A call that waits for objects of the pipeline is looked over without one.
    /// - Throws: what `open` would surely throw.
    func check(_ call: CmdletCall) throws(CmdletFault)
    /// Carries a cmdlet out on the evaluating thread, without waiting for anybody.
    /// - Returns: all that comes of it; `nil` where something has to be awaited: it is opened then.
    func answerAtOnce(_ call: CmdletCall) throws(CmdletFault) -> CmdletBatch?
    /// Starts a cmdlet. Nothing was sent before; the first rows may be fetched here or later.
    func open(_ call: CmdletCall) async throws(CmdletFault) -> any CmdletRows
}

extension CmdletSource {
    /// Nothing is known to be wrong.
    package func check(_ call: CmdletCall) throws(CmdletFault) {}
    /// Services are far away.
    package func answerAtOnce(_ call: CmdletCall) throws(CmdletFault) -> CmdletBatch? { nil }
}

/// The rows of a running cmdlet, in batches as they arrive (a page of the service is one batch).
package protocol CmdletRows {
    /// The next batch; `nil` at the end. A cancelled task ends soon.
    mutating func next() async throws(CmdletFault) -> CmdletBatch?
}

/// Some rows, and what the service said beside them.
package struct CmdletBatch: Sendable {
    /// The rows.
    package var objects: [PSValue]
    /// Warnings that came with them.
    package var warnings: [String]
    /// Errors that did not end the cmdlet.
    package var errors: [NativeError]
    /// What is said to the person, such as the lines of `-WhatIf`.
    package var information: [String]

    /// A batch.
    package init(
        _ objects: [PSValue], warnings: [String] = [], errors: [NativeError] = [], information: [String] = []
    ) {
        self.objects = objects
        self.warnings = warnings
        self.errors = errors
        self.information = information
    }
}

/// A cmdlet with its arguments evaluated, before its own parameters are looked up.
package struct CmdletCall: Sendable {
    /// One argument in the order written.
    package enum Argument: Sendable {
        /// `-Name`, with the value when a colon ties it, and its text when that is a number.
        case parameter(String, PSValue?, text: String?)
        /// A value: of the parameter before it, or by position. The text is the number as written.
        case value(PSValue, text: String?)
    }

    /// The name as written.
    package let name: String
    /// The arguments.
    package let arguments: [Argument]
    /// Whether the cmdlet stands behind a `|`: it is then opened once for every object that arrives.
    package var takesInput = false
    /// The object that arrived.
    package var input: PSValue?

    /// A call.
    package init(name: String, arguments: [Argument]) {
        self.name = name
        self.arguments = arguments
    }

    /// The same call for an object of the pipeline.
    package func with(input: PSValue) -> CmdletCall {
        var call = self
        call.takesInput = true
        call.input = input
        return call
    }
}

/// Why a cmdlet did not go on.
package enum CmdletFault: Error {
    /// An error that ends the statement.
    case failed(NativeError)
    /// Only a real PowerShell can carry it out; nothing was sent.
    case handedOver(String)
    /// The pipeline behind it stopped.
    case interrupted(PipelineStop)
}

/// Why a pipeline behind a source stopped; made by the engine alone.
package struct PipelineStop: Sendable {
    let reason: Interrupt

    init(reason: Interrupt) { self.reason = reason }

    /// An error that ends the whole script, as `-ErrorAction Stop` wants it.
    package init(endingWith error: NativeError) { reason = .fatal(error) }
}
