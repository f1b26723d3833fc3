import MMCore

/// Tells a caller how many items came, and why the next ones take a while.
final class ItemProgress: Sendable {
    private let items = Mutex(0)
    private let report: @Sendable (ProgressReport) -> Void

    /// Reports go to whoever called.
    init(_ report: @escaping @Sendable (ProgressReport) -> Void) {
        self.report = report
    }

    /// So many more items came.
    func came(_ count: Int) {
        let all = items.withLock { items in
            items += count
            return items
        }
        report(ProgressReport(done: Double(all), message: "\(all) items"))
    }

    /// Something is waited for.
    func waits(_ reason: String) {
        report(ProgressReport(done: Double(items.withLock { $0 }), message: reason))
    }
}
