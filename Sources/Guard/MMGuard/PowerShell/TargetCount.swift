internal import PowerShellSyntax

/// The number of objects that a text changes in a service, as far as its own lists and limits show it.
package struct TargetCount: Sendable {
    /// How often each command runs at most, by its name and position. The position avoids counting a loop's body twice,
    /// which is walked several times.
    private var counts: [String: [SourceExtent: Int]] = [:]
    private var isOpen = false

    /// The largest number of objects that counts as few; changing more of them requires a confirmation.
    package static let few = 10

    /// Notes a command that changes something.
    /// - Parameter times: how often it runs at most.
    mutating func add(_ name: String, times: Int, at extent: SourceExtent) {
        guard times < ValueFacts.many else {
            isOpen = true
            return
        }
        counts[name, default: [:]][extent] = max(counts[name]?[extent] ?? 0, times)
    }

    /// The maximum number of changed objects of one kind; nil if it can't be told, or if nothing is changed.
    var known: Int? {
        guard !isOpen else { return nil }
        return counts.values.map { $0.values.reduce(0, +) }.max()
    }
}
