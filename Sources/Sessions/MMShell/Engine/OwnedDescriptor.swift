package import MMCore
package import MMSystem

/// A descriptor that an array can hold; closed with the last reference.
package final class OwnedDescriptor: Sendable {
    private let descriptor: FileDescriptor
    /// The number, for calls that don't keep it.
    package var raw: Int32 { descriptor.raw }

    init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }

    /// A descriptor of the caller's own for the same open file.
    package func duplicate() throws(MMError) -> FileDescriptor { try descriptor.duplicate() }
}
