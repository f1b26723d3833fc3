/// Who is signed in for a connection.
public struct SignedInAccount: Sendable, Hashable {
    /// The name by which the account signs in: `adele@contoso.example`; empty for an app.
    public let username: String
    /// The immutable id of the account in the tenant.
    public let objectID: String
    /// The tenant the account acts in.
    public let tenantID: String
    /// The account at home, `uid.utid`: differs for guests.
    public let homeAccountID: String
    /// The app, where it signed in by itself and no person stands behind the sign-in.
    public let appID: String?

    /// Whether an app signed in by itself.
    public var isApp: Bool { appID != nil }

    /// What to call it: the name of a person's account, or the app and that nobody stands behind it.
    public var title: String { appID.map { "app \($0), no person" } ?? username }

    package init(
        username: String, objectID: String, tenantID: String, homeAccountID: String, appID: String? = nil
    ) {
        self.username = username
        self.objectID = objectID
        self.tenantID = tenantID
        self.homeAccountID = homeAccountID
        self.appID = appID
    }

    /// Whether two sign-in names are the same: without case, in any Unicode normalisation form, with every blank counted.
    package static func sameName(_ left: String, _ right: String) -> Bool {
        // Swift compares strings by canonical equivalence, so composed and decomposed letters are equal here.
        left.lowercased() == right.lowercased()
    }
}
