/// The permissions that open a call to one kind of sign-in: any of them will do.
package struct PermissionChoice: Sendable, Hashable {
    /// The ones that open least; several are alternatives.
    package let least: [Permission]
    /// The others, narrowest first.
    package let higher: [Permission]
    /// Whether the least ones are concluded from the other calls that they open, not published for this call.
    package let isInferred: Bool

    /// All of them, least first.
    package var all: [Permission] { least + higher }

    /// The one to ask for: the first that isn't tied to an app in one team or chat, while there is one.
    package var advised: Permission? { all.first { !$0.isResourceSpecific } ?? all.first }
}
