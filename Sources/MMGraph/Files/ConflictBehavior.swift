/// What happens where a file of the same name is there already.
public enum ConflictBehavior: String, Sendable, Hashable, CaseIterable {
    /// Nothing is changed, and the transfer fails.
    case fail
    /// The file that is there gets the new content.
    case replace
    /// The new file gets another name: `report 1.pdf`.
    case rename
}
