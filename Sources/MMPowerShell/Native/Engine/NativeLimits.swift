/// How much one script may take of the process that evaluates it. What needs more is handed over to a PowerShell, which is a
/// process of its own.
package struct NativeLimits: Sendable {
    /// Bytes of one text.
    package var textBytes = 16 << 20
    /// Elements of one list.
    package var listItems = 1_000_000
    /// Bytes of all that operators and methods make in one run.
    package var madeBytes = 256 << 20
    /// Steps of evaluation before the first request to a service.
    package var steps = 50_000_000
    /// Rounds of loops that only their own condition ends, before the first request to a service.
    package var rounds = 1_000_000
    /// Steps of one match or replacement, besides 64 for each byte of its text.
    package var patternSteps = 200_000
    /// How deep a pattern may follow itself into a text.
    package var patternDepth = 600

    /// The usual limits.
    package init() {}
}
