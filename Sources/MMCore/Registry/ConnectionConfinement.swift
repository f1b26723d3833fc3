/// How far the processes of a connection's sessions are shut in by the kernel.
public enum ConnectionConfinement: String, Sendable, CaseIterable {
    /// They don't start where the kernel can't do it.
    case required
    /// As far as the kernel can.
    case preferred
    /// Not at all.
    case off
}
