import MMSystem

/// A process as it was at one moment: its number alone may soon be somebody else's.
package struct StartedProcess: Sendable, Hashable {
    private let entry: ProcessEntry
    /// Its number.
    package var pid: Int32 { entry.id }

    /// The process that has this number now.
    /// - Returns: nil when there is none.
    package init?(_ pid: Int32) {
        guard let entry = ProcessEntry(pid), !entry.isDead else { return nil }
        self.entry = entry
    }

    /// Whether it is still there; one that nobody has waited for yet is not.
    package var isAlive: Bool { ProcessEntry(pid).map { $0.start == entry.start && !$0.isDead } ?? false }
}
