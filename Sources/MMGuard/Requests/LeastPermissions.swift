/// The least permissions of a call to Microsoft Graph, by kind of sign-in; several names are alternatives.
public struct LeastPermissions: Sendable, Hashable {
    /// Delegated, work or school account; nil when that kind can't call it.
    public var work: [String]?
    /// Delegated, personal account.
    public var personal: [String]?
    /// Application.
    public var application: [String]?

    /// Permissions.
    public init(work: [String]?, personal: [String]?, application: [String]?) {
        self.work = work
        self.personal = personal
        self.application = application
    }
}
