/// The role of Exchange that holds a cmdlet.
package struct ExchangeRole: Sendable, Hashable {
    /// The management role: `Mail Recipients`.
    package let name: String
    /// The smallest role group with that role.
    package let group: String
    /// The role of Entra ID that stands for it; `nil` where none does.
    package let entra: EntraRole?
}
