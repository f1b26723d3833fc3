import CMMSystem

/// What the kernel lets this process have.
package enum ResourceLimits {
    /// Raises the number of descriptors that may be open as far as it goes: each session holds several, and most
    /// systems start programs with room for 1,024.
    /// - Returns: the limit that holds now.
    @discardableResult
    package static func raiseDescriptors() -> UInt64 {
        mm_raise_descriptor_limit()
    }
}
