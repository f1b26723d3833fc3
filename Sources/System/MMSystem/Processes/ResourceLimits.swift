import CMMSystem

/// The kernel's resource limits for this process.
package enum ResourceLimits {
    /// Raises the limit of open descriptors to its maximum: each session holds several, and most systems start programs
    /// with a limit of 1,024.
    /// - Returns: the limit now in force.
    @discardableResult
    package static func raiseDescriptors() -> UInt64 {
        mm_raise_descriptor_limit()
    }
}
