import MMSystem

/// A process identified by more than its process id, which may soon belong to another process.
package struct StartedProcess: Sendable, Hashable {
    private let entry: ProcessEntry
    /// The process id.
    package var pid: Int32 { entry.id }

    /// Identifies the process that has this process id now.
    /// - Returns: `nil` when there is none.
    package init?(_ pid: Int32) {
        guard let entry = ProcessEntry(pid), !entry.isDead else { return nil }
        self.entry = entry
    }

    /// Whether the process still runs; one that has ended but hasn't been waited for doesn't count.
    package var isAlive: Bool { ProcessEntry(pid).map { $0.start == entry.start && !$0.isDead } ?? false }
}
