/// A permission of Microsoft Graph, as app registrations list it.
package struct Permission: Sendable, Hashable {
    /// The name: `Mail.Send`.
    package let name: String
    /// The id of the delegated form; `nil` where there is none, empty where it is unknown.
    package let delegatedID: String?
    /// The id of the application form; `nil` where there is none, empty where it is unknown.
    package let applicationID: String?
    /// Whether only an administrator may consent to the delegated form; the application form always needs one.
    package let needsAdministrator: Bool
    /// Whether personal accounts have it too.
    package let isForPersonalAccounts: Bool
    /// Whether it is only for an app that is installed in the team or chat in question.
    package let isResourceSpecific: Bool
    /// How much the delegated form opens, 1 (little) to 5; 0 where it is unknown.
    package let delegatedLevel: Int
    /// How much the application form opens, 1 (little) to 5; 0 where it is unknown.
    package let applicationLevel: Int

    /// The id of its form for a kind of sign-in; `nil` where it has none or it is unknown.
    package func id(for kind: SignInKind) -> String? {
        let id = kind == .application ? applicationID : delegatedID
        return id.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Whether an administrator has to consent to its form for a kind of sign-in.
    package func needsAdministrator(for kind: SignInKind) -> Bool { kind == .application || needsAdministrator }

    /// How much its form for a kind of sign-in opens.
    package func level(for kind: SignInKind) -> Int { kind == .application ? applicationLevel : delegatedLevel }
}
