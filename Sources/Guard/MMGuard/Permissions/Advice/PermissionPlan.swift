/// The smallest list of permissions that opens a set of calls to one kind of sign-in.
package struct PermissionPlan: Sendable {
    /// The permissions, by name.
    package let permissions: [Permission]
    /// The calls that such a sign-in can't make at all.
    package let closed: [CallPermissions]

    /// The plan for these calls.
    ///
    /// Each call asks for its least permission; one is left out where the others that are needed anyway open its calls too.
    package init(for calls: [CallPermissions], as kind: SignInKind) {
        var wanted: [String: Permission] = [:]
        var closed: [CallPermissions] = []
        for call in calls {
            guard let permission = call.choice(for: kind)?.advised else {
                closed.append(call)
                continue
            }
            wanted[permission.name] = permission
            let held = Set(wanted.keys)
            if let other = call.missingBesides(permission, from: held).first { wanted[other.name] = other }
        }
        // Those that open most calls stay; narrow ones go first where they are not needed.
        let open = calls.filter { $0.choice(for: kind)?.advised != nil }
        func weight(_ permission: Permission) -> Int {
            open.count { $0.choice(for: kind)?.all.contains(permission) ?? false }
        }
        for permission in wanted.values.sorted(by: { (weight($0), $0.name) < (weight($1), $1.name) }) {
            let others = Set(wanted.keys).subtracting([permission.name])
            if open.allSatisfy({ $0.satisfied(by: others, for: kind) != nil }) { wanted[permission.name] = nil }
        }
        permissions = wanted.values.sorted { $0.name < $1.name }
        self.closed = closed
    }
}
