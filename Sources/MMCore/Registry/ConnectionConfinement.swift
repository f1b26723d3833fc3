/// The extent to which the kernel confines the processes of a connection's sessions.
package enum ConnectionConfinement: String, Sendable, CaseIterable {
    /// Confined; if the kernel can't confine them, sessions don't start.
    case required
    /// Confined as far as the kernel supports it.
    case preferred
    /// Not confined.
    case off
}
