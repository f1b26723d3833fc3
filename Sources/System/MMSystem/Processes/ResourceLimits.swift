import CMMSystem
package import MMCore

/// The kernel's resource limits for this process.
package enum ResourceLimits {
    /// Raises the limit of open descriptors to its maximum, but for a few that are kept for Swift's runtime: each
    /// session holds several, and most systems start programs with a limit of 1,024.
    /// - Returns: the limit now in force.
    @discardableResult
    package static func raiseDescriptors() -> UInt64 {
        mm_raise_descriptor_limit()
    }

    /// The number of descriptors that a program needs before it can do anything.
    private static let leastDescriptors: UInt64 = 32

    /// Returns the error of a program that may open too few files; nil if there are enough. Swift's runtime opens some
    /// itself, and ends the process with a trap where it gets none, so a program asks before it starts a task.
    /// - Parameter limit: the limit in force; 0 if it isn't known.
    package static func shortage(at limit: UInt64) -> MMError? {
        guard limit > 0, limit < leastDescriptors else { return nil }
        return MMError(
            .unavailable, "Only \(limit) files may be open here (ulimit -n); at least \(leastDescriptors) are needed.",
            hint: "Raise the limit: ulimit -n 1024.")
    }
}
