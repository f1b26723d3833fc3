/// How far the kernel confines the processes of a connection's sessions.
package enum ConnectionConfinement: String, Sendable, CaseIterable {
    /// Confined; sessions don't start where the kernel can't confine them.
    case required
    /// Confined as far as the kernel supports it.
    case preferred
    /// Not confined.
    case off
}
