/// Which permissions a call to Microsoft Graph needs.
package struct CallPermissions: Sendable, Hashable {
    /// The template of the call in the permission data: `/users/{user-id}/messages`.
    package let template: String
    /// For work and school accounts; `nil` when they can't make the call.
    package let work: PermissionChoice?
    /// For personal accounts; `nil` when they can't make the call.
    package let personal: PermissionChoice?
    /// For apps by themselves; `nil` when they can't make the call.
    package let application: PermissionChoice?
    /// What a permission, by its name, needs besides itself.
    package let besides: [String: [Permission]]
    /// Whether the data knows the call only in beta, although v1.0 was asked for.
    package let isBetaOnly: Bool

    /// The permissions for a kind of sign-in.
    package func choice(for kind: SignInKind) -> PermissionChoice? {
        switch kind {
        case .work: work
        case .personal: personal
        case .application: application
        }
    }

    /// The first permission that these names hold in full, with what it needs besides; `nil` when none is held.
    package func satisfied(by held: Set<String>, for kind: SignInKind) -> Permission? {
        let held = Self.withReading(held)
        return choice(for: kind)?.all.first { held.contains($0.name) && missingBesides($0, from: held).isEmpty }
    }

    /// Who may read and write may read, also where the data lists the reading permission alone.
    private static func withReading(_ held: Set<String>) -> Set<String> {
        var all = held
        for name in held {
            let parts = name.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.dropFirst().contains("ReadWrite") else { continue }
            all.insert(parts.map { $0 == "ReadWrite" ? "Read" : String($0) }.joined(separator: "."))
        }
        return all
    }

    /// What a permission needs besides itself and isn't among these names: empty where one of them is there.
    package func missingBesides(_ permission: Permission, from held: Set<String>) -> [Permission] {
        guard let others = besides[permission.name], !others.contains(where: { held.contains($0.name) }) else {
            return []
        }
        return others
    }
}
