/// The smallest list of permissions that permits a set of calls for one kind of sign-in.
package struct PermissionPlan: Sendable {
    /// The permissions.
    package let permissions: [Permission]
    /// The calls that this kind of sign-in can't make at all.
    package let closed: [CallPermissions]

    /// Creates the plan for these calls.
    ///
    /// It starts with the least permission of each call, and leaves out those whose calls are also permitted by the
    /// others.
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
        // Permissions that permit the most calls are kept; narrow ones are dropped first if the others suffice.
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
