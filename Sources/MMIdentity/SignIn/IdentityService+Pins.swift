package import MMCore
internal import MMSystem

extension IdentityService {
    /// Returns the name of the account that a connection is pinned to, if its entry expects another name by now: the account
    /// was renamed, or another one is meant, which the pin would refuse.
    package nonisolated func pinnedName(unlikeThatOf connection: Connection) async -> String? {
        guard let expected = connection.expectedEmail else { return nil }
        let pins = PinStore(path: paths.pinFile)
        let pin = try? await BlockingWork.run { () throws(MMError) in try pins.pin(of: connection.name) }
        guard let name = (connection.pin ?? pin ?? nil)?.username, !SignedInAccount.sameName(name, expected) else {
            return nil
        }
        return name
    }
}
