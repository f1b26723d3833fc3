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

    private struct Generations {
        var young: Set<Key> = []
        var old: Set<Key> = []
    }

    /// A generation of so many makes room for the next.
    private static let size = 512
    private let generations = Mutex(Generations())

    /// Whether it was found right.
    func contains(_ key: Key) -> Bool {
        generations.withLock { generations in
            if generations.young.contains(key) { return true }
            guard generations.old.contains(key) else { return false }
            Self.insert(key, &generations)
            return true
        }
    }

    /// Notes that it was found right.
    func insert(_ key: Key) { generations.withLock { Self.insert(key, &$0) } }

    private static func insert(_ key: Key, _ generations: inout Generations) {
        if generations.young.count >= size {
            generations.old = generations.young
            generations.young = []
        }
        generations.young.insert(key)
    }
}
