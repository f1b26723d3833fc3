/// A part of Microsoft Graph in which the same roles are needed beside a permission.
package struct RoleArea: Sendable, Hashable {
    /// What belongs to somebody: a person reaches it by being given access, not by a role.
    package enum Content: String, Sendable {
        case mailbox
        case site
        case chat
        case team
        case item
    }

    /// The roles that may read, the one with the fewest rights first.
    package let reading: [EntraRole]
    /// The roles that may change something, the one with the fewest rights first.
    package let writing: [EntraRole]
    /// Whose content it is, if it is somebody's.
    package let content: Content?

    /// The roles for a call.
    package func roles(reading isRead: Bool) -> [EntraRole] { isRead ? reading : writing }
}
