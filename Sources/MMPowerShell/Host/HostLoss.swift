import MMCore

/// Why a host can't go on, and whether the command in question had reached it.
struct HostLoss: Error, Sendable {
    /// What happened, as the end of a sentence: “PowerShell ended with status 3”.
    let reason: String
    /// What it wrote to its standard error last, where it did.
    var lastWords: String?
    /// Whether memory ran out, or may have.
    var isForMemory = false
    /// Whether the whole request had been written to the host.
    var wasSent = false

    /// The same for a command.
    func told(wasSent: Bool) -> HostLoss {
        var loss = self
        loss.wasSent = wasSent
        return loss
    }

    /// What happened, with what the process said of it.
    var account: String { lastWords.map { "\(reason): \($0)" } ?? reason }

    /// The error that the caller of the command gets.
    var error: MMError {
        var details: JSONObject = ["sent": .bool(wasSent)]
        if let lastWords { details["lastWords"] = .string(lastWords) }
        return MMError(
            .sessionLost,
            (wasSent ? "\(reason) while the command ran." : "\(reason) before the command was sent.")
                + (lastWords.map { " Its last words: \($0)" } ?? ""),
            hint: wasSent
                ? (isForMemory
                    ? "Memory may have run out: ask for fewer objects at once, or select their properties. " : "")
                    + "It may have done part of its work: check before you run it again. The "
                    + "session restarts automatically."
                : "Nothing was run. Run it again.",
            retry: wasSent ? .never : .now, details: details)
    }
}
