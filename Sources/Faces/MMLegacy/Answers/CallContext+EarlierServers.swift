import MMGuard
import MMOperations

extension CallContext {
    /// Gives the call the semantics of the earlier servers' protocols: commands on the warned list only cause warnings,
    /// `confirmed: true` counts for connections with `legacyConfirm`, and texts contain only what PowerShell shows.
    mutating func followEarlierServers() {
        guardAllowances = [.warnedCommands, .confirmedParameter]
        namesEngine = false
    }
}
