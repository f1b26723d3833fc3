internal import PowerShellSyntax

/// How many things a text changes in a service, as far as its own lists and limits say.
package struct TargetCount: Sendable {
    /// How often at most each command runs, by its name and place: a loop's body is walked more than once.
    private var counts: [String: [SourceExtent: Int]] = [:]
    private var isOpen = false

    /// More things than these are many: a change of them is asked about.
    package static let few = 10

    /// A command that changes something was found.
    /// - Parameter times: how often it runs at most.
    mutating func add(_ name: String, times: Int, at extent: SourceExtent) {
        guard times < ValueFacts.many else {
            isOpen = true
            return
        }
        counts[name, default: [:]][extent] = max(counts[name]?[extent] ?? 0, times)
    }

    /// How many things of one kind are changed at most; nil where nobody can count them, or nothing is changed.
    var known: Int? {
        guard !isOpen else { return nil }
        return counts.values.map { $0.values.reduce(0, +) }.max()
    }
}
