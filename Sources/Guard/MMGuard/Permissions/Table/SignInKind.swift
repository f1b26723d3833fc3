/// For whom a token speaks, which decides what a permission means.
package enum SignInKind: String, Sendable, Hashable, CaseIterable {
    /// A person with a work or school account, through an app.
    case work
    /// A person with a personal account, through an app.
    case personal
    /// An app by itself.
    case application

    /// What people call permissions of this kind.
    package var title: String {
        switch self {
        case .work: "delegated"
        case .personal: "delegated, personal account"
        case .application: "application"
        }
    }
}
