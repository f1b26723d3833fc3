import MMCore
import MMMCP

/// Lets tools report changes of their server.
final class Trigger: Sendable {
    private let feed = Mutex<ChangeFeed?>(nil)

    func arm(_ changes: ChangeFeed) { feed.withLock { $0 = changes } }

    func fire(_ kind: ListKind) { feed.withLock { $0 }?.listChanged(kind) }
}
