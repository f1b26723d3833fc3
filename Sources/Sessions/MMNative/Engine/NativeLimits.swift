import MMSystem

/// The resources that one script may use in the process that evaluates it. Scripts that need more are handed over to
/// PowerShell, which runs in a process of its own.
package struct NativeLimits: Sendable {
    /// The maximum size of a text, in bytes.
    package var textBytes = 8 << 20
    /// The maximum number of elements in a list, before the first request to a service.
    package var listItems = 1_000_000
    /// The maximum memory of a run in bytes, before the first request to a service.
    package var memoryBytes = 48 << 20
    /// The maximum memory of a run in bytes, including the rows of services.
    package var rowBytes = 1 << 30
    /// The number of bytes allocated between two checks of the process's memory.
    package var bytesBetweenLooks = 4 << 20
    /// Returns the resident memory of the process in bytes.
    package var residentBytes: @Sendable () -> Int = { OwnMemory.resident() ?? 0 }
    /// The maximum number of evaluation steps, before the first request to a service.
    package var steps = 50_000_000
    /// The maximum number of iterations of loops that only their own condition ends, before the first request to a
    /// service.
    package var rounds = 1_000_000
    /// The maximum number of steps of a match or replacement, in addition to 64 for each byte of the text.
    package var patternSteps = 200_000

    /// Creates the default limits.
    package init() {}
}
