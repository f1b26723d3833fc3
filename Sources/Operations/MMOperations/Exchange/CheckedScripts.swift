import MMCore
import MMNative

/// The scripts whose cmdlets' parameters were found right lately: who sends one again does not wait for the same check.
///
/// What a check says depends on the script and the service's own table alone. Digests are kept, no scripts: those may hold
/// secrets.
final class CheckedScripts: Sendable {
    /// One script for one service.
    struct Key: Hashable, Sendable {
        private let digest: [UInt8]

        init(_ script: String, _ service: ExchangeTable.Service) {
            digest = SHA256.digest(Array("\(service.module)\n\(script)".utf8))
        }
    }

    private let right = RecentValues<Key, Void>(size: 512)

    /// Whether it was found right.
    func contains(_ key: Key) -> Bool { right.value(for: key) != nil }

    /// Notes that it was found right.
    func insert(_ key: Key) { right.keep((), for: key) }
}
