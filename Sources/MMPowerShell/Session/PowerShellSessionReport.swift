public import MMCore

/// The state of a session.
public struct PowerShellSessionReport: Sendable {
    /// The phase of a session.
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
        /// Closed permanently.
        case closed
    }

    /// The phase.
    public let phase: Phase
    /// The device code that a person has to enter.
    public let prompt: DevicePrompt?
    /// The signed-in identity.
    package let identity: SessionIdentity?
    /// The reason why the session failed.
    public let error: MMError?
    /// The reason why its process was last lost.
    package let lossReason: String?
    /// The number of times its process was lost.
    package let losses: Int
    /// The number of waiting commands.
    package let waiting: Int
    /// PowerShell's process id.
    package let processID: Int32?
    /// PowerShell's version.
    package let version: PowerShellVersion?
    /// The resident memory of PowerShell in bytes.
    package let memory: Int?
    /// Whether it is the stand-in instead of a real PowerShell.
    package let isStandIn: Bool
}
