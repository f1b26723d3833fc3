import MMCore

/// One line that the bootstrap script sends.
package enum HostFrame: Sendable, Hashable {
    /// The first line of a host: who it is.
    case hello(HostHello)
    /// A record of command `id`.
    case record(id: UInt64, PowerShellRecord)
    /// A record of command `id` that was longer than the limit and was passed over.
    case oversized(id: UInt64, bytes: Int)
    /// The end of command `id`.
    case end(id: UInt64, CommandEnd)
    /// Command `id` was refused because another one runs.
    case busy(id: UInt64)
    /// The answer to a ping or a collection.
    case pong(id: UInt64, HostPulse)
    /// The answer to a switch of the language mode.
    case constrained(id: UInt64)
}

/// Who a host says it is.
package struct HostHello: Sendable, Hashable {
    /// Version of the wire.
    package let version: Int
    /// What it was given to prove that it was started by us.
    package let nonce: String
    /// Its process id.
    package let processID: Int32
    /// Version of PowerShell.
    package let powerShell: String
    /// The runtime's own name.
    package let runtime: String

    /// A greeting.
    package init(version: Int, nonce: String, processID: Int32, powerShell: String, runtime: String) {
        self.version = version
        self.nonce = nonce
        self.processID = processID
        self.powerShell = powerShell
        self.runtime = runtime
    }
}

/// How a host is doing.
package struct HostPulse: Sendable, Hashable {
    /// Whether a command runs.
    package let isBusy: Bool
    /// Resident memory in bytes, as the runtime sees it.
    package let workingSet: Int
    /// Bytes of live objects.
    package let heap: Int

    /// A pulse.
    package init(isBusy: Bool, workingSet: Int, heap: Int) {
        self.isBusy = isBusy
        self.workingSet = workingSet
        self.heap = heap
    }
}

/// What a host sent that no host may send. The process behind it can't be trusted any more.
package struct WireFault: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong, without quoting the line (it may hold anything).
    package let problem: String

    /// A fault.
    package init(_ problem: String) { self.problem = problem }

    /// The fault in words.
    package var description: String { problem }
}
