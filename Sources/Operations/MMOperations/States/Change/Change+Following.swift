import MMCore

extension Change {
    /// Returns the change as it is when other changes of the same object are sent before it.
    /// - Parameters:
    ///   - earlier: the earlier changes, in their order.
    ///   - written: the change as it was before its state was read.
    package func following(_ earlier: [Change], written: Change? = nil) -> Change {
        earlier.reduce(self) { $0.following($1, written: written) }
    }

    /// Whether the state before is still known when other changes of the same object are sent first. If not, the state
    /// has to be read again after they are sent.
    package func isKnown(after earlier: [Change]) -> Bool {
        !isUnreadable && (isMembership || earlier.allSatisfy(follows))
    }

    /// Whether it needs no state: the service itself refuses to add a member that is already there, or to remove one
    /// that isn't.
    private var isMembership: Bool { [.link, .unlink].contains(kind) && after == nil }

    private var grantedValues: String? { cmdlet?.kind?.entry?.values }

    private func follows(_ earlier: Change) -> Bool {
        if grantedValues != nil { return earlier.cmdlet?.names["Deny"] == cmdlet?.names["Deny"] }
        return kind == earlier.kind && [.properties, .licenses, .reference].contains(kind)
    }

    private func following(_ earlier: Change, written: Change?) -> Change {
        guard follows(earlier), let left = earlier.after?.object else { return self }
        var change = self
        if let values = grantedValues {
            let held = left[values]?.array ?? []
            change.before = .object([values: .array(held)])
            change.after = .object([values: .array(Self.rights(held, kind, written?.after?[values]))])
            return change
        }
        var before = before?.object ?? [:]
        if kind == .licenses {
            var held = before["assignedLicenses"]?.object ?? [:]
            let (old, new) = (earlier.before?["assignedLicenses"]?.object, left["assignedLicenses"]?.object ?? [:])
            for id in old?.keys ?? [] where new[id] == nil { held[id] = nil }
            let after = after?["assignedLicenses"]?.object
            for (id, entry) in new where held[id] != nil || after?[id] != nil { held[id] = entry }
            before["assignedLicenses"] = .object(held)
        } else {
            var after = after?.object ?? [:]
            for (key, value) in left {
                guard let old = before[key] else { continue }
                // What this change writes of a structured value is laid over what the earlier change leaves of it.
                if let whole = value.object, let old = old.object, let new = after[key]?.object {
                    let written = JSONObject(new.filter { old[$0.key] != $0.value }.map { ($0.key, $0.value) })
                    after[key] = .object(whole.overlaid(by: written))
                }
                if cmdlet != nil, let edit = written?.after?[key] { after[key] = CmdletValue.edited(value, by: edit) }
                before[key] = value
            }
            change.after = .object(after)
        }
        change.before = .object(before)
        return change
    }

    /// Returns the change for objects that were recreated since, with other ids.
    /// - Parameter successors: the new ids by the old ones in lower case.
    package func following(successors: [String: String]) -> Change {
        guard !successors.isEmpty else { return self }
        func id(_ old: String) -> String {
            var (id, seen) = (old, Set<String>())
            while let next = successors[id.lowercased()], seen.insert(id).inserted { id = next }
            return id
        }
        var change = self
        change.subject.id = id(subject.id)
        for index in change.others.indices { change.others[index].id = id(others[index].id) }
        change.place = place.split(separator: "/").map { "/" + id(String($0)) }.joined()
        for (name, value) in cmdlet?.names ?? [:] {
            if let old = value.string { change.cmdlet?.names[name] = .string(id(old)) }
        }
        return change
    }
}
