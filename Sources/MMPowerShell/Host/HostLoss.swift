import MMCore

/// Why a host can't go on, and whether the command in question had reached it.
struct HostLoss: Error, Sendable {
    /// What happened, as the end of a sentence: “PowerShell ended with status 3”.
    let reason: String
    /// Whether the whole request had been written to the host.
    let wasSent: Bool

    /// The error that the caller of the command gets.
    var error: MMError {
        MMError(
            .sessionLost, wasSent ? "\(reason) while the command ran." : "\(reason) before the command was sent.",
            hint: wasSent
                ? "It may have done part of its work: look before you run it again. The session starts anew by itself."
                : "Nothing was run. Run it again.",
            retry: wasSent ? .never : .now, details: ["sent": .bool(wasSent)])
    }
}
