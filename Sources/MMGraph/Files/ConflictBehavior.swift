/// The behaviour when a file of the same name exists already.
public enum ConflictBehavior: String, Sendable, Hashable, CaseIterable {
    /// Nothing is changed and the transfer fails.
    case fail
    /// The existing file gets the new content.
    case replace
    /// The new file gets another name: `report 1.pdf`.
    case rename
}
