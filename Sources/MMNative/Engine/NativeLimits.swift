import MMSystem

/// How much one script may take of the process that evaluates it. What needs more is handed over to a PowerShell, which is a
/// process of its own.
package struct NativeLimits: Sendable {
    /// Bytes of one text.
    package var textBytes = 8 << 20
    /// Elements of one list, before the first request to a service.
    package var listItems = 1_000_000
    /// Bytes that one run may hold before the first request to a service.
    package var memoryBytes = 48 << 20
    /// Bytes that one run may hold with the rows of services.
    package var rowBytes = 1 << 30
    /// How many bytes are made between two looks at the memory of the process.
    package var bytesBetweenLooks = 4 << 20
    /// The memory of the process.
    package var residentBytes: @Sendable () -> Int = { OwnMemory.resident() ?? 0 }
    /// Steps of evaluation before the first request to a service.
    package var steps = 50_000_000
    /// Rounds of loops that only their own condition ends, before the first request to a service.
    package var rounds = 1_000_000
    /// Steps of one match or replacement, besides 64 for each byte of its text.
    package var patternSteps = 200_000

    /// The usual limits.
    package init() {}
}
