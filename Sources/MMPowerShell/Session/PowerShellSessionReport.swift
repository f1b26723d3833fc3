public import MMCore

/// How a session stands.
public struct PowerShellSessionReport: Sendable {
    /// Where it stands.
    public enum Phase: String, Sendable, Hashable {
        /// Not started.
        case off
        /// Starting and signing in.
        case opening
        /// A person must enter the code.
        case signingIn = "signing in"
        /// Signed in and free.
        case ready
        /// Signed in, and a command runs.
        case busy
        /// Starting or signing in failed.
        case failed
        /// Closed for good.
        case closed
    }

    /// The phase.
    public let phase: Phase
    /// The device code that waits for a person.
    public let prompt: DevicePrompt?
    /// Who is signed in.
    public let identity: SessionIdentity?
    /// Why it failed.
    public let error: MMError?
    /// Why its process was lost last.
    public let lossReason: String?
    /// How often its process was lost.
    public let losses: Int
    /// Commands that wait.
    public let waiting: Int
    /// PowerShell's process id.
    public let processID: Int32?
    /// PowerShell's version.
    public let version: PowerShellVersion?
    /// Resident memory of PowerShell in bytes.
    public let memory: Int?
    /// Whether it is the stand-in, not a PowerShell.
    public let isStandIn: Bool
}
