import MMGuard
package import MMOperations

extension CallContext {
    /// Makes the call one of an earlier server's protocol: its warned list only warns, `confirmed: true` counts for
    /// connections with `legacyConfirm`, and its texts hold what PowerShell shows and nothing else.
    package mutating func followEarlierServers() {
        guardAllowances = [.warnedCommands, .confirmedParameter]
        namesEngine = false
    }
}
