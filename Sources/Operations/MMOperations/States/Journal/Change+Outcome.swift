package import MMCore

extension Change {
    /// Takes over what the write left.
    /// - Parameters:
    ///   - answer: what the service answered to it; `nil` when that was no JSON.
    ///   - etag: the version that the service gave in its header.
    package func left(by answer: JSONValue?, etag: String?) -> Change {
        var change = self
        change.etag = etag ?? answer?["@odata.etag"]?.string
        guard let answer, service != .teams else { return change }
        switch kind {
        case .creation:
            change.subject = Subject(
                id: answer["id"]?.string ?? "",
                name: answer["userPrincipalName"]?.string ?? answer["displayName"]?.string ?? subject.name)
            var after = Self.only(keys.filter { answer[$0] != nil }, of: answer)
            for (key, ids) in change.after?.object ?? [:] where Self.isBinding(key) { after[key] = ids }
            change.after = .object(after)
            if lastStep.lowercased() == "children", let (items, isPath) = driveItems, !isPath { change.place = items }
        case .properties:
            // Services that answer with the object say how they understood the values.
            var after = after?.object ?? [:]
            for key in keys where answer[key] != nil { after[key] = answer[key] }
            change.after = .object(after)
        case .restoration where answer["id"] != nil: change.after = answer
        case .content where answer["id"] != nil:
            change.after = .object(Self.content(of: answer))
        default: break
        }
        return change
    }

    /// What became of a change since.
    package enum Standing: Sendable, Hashable {
        /// It stands as the write left it.
        case asLeft
        /// It is as it was before the write: that was taken back, or never sent.
        case asBefore
        /// Somebody has changed it since: what differs from how the write left it.
        case changed(ObjectDifference)
        /// Nothing tells.
        case unknown
    }

    /// What became of the change since.
    /// - Parameter answer: what the service answers now to `presentPath`; `nil` where there is no such object.
    package func standing(in answer: JSONValue?) -> Standing {
        let present = state(in: answer)
        switch kind {
        case .file, .action: return .unknown
        case .content: return contentStanding(present)
        case .link, .restoration: return present == nil ? .asBefore : .asLeft
        case .unlink: return present == nil ? .asLeft : .asBefore
        case .deletion: return (present == nil) == isRestorable ? .asBefore : .asLeft
        case .creation:
            guard let present else { return .asBefore }
            if let etag, let now = answer?["@odata.etag"]?.string, etag == now { return .asLeft }
            return isFileAsMade(present) ? .asLeft : standing(of: present)
        case .properties, .licenses, .reference:
            guard let present else { return .changed(ObjectDifference(before: after, after: nil)) }
            if Self.isHeld(after, in: present) { return .asLeft }
            if isBeforeKnown, Self.isHeld(before, in: present) { return .asBefore }
            return standing(of: present)
        }
    }

    private func standing(of present: JSONValue) -> Standing {
        let after = after?.object.map {
            JSONValue.object(JSONObject($0.filter { !Self.isBinding($0.key) }.map { ($0.key, $0.value) }))
        }
        if Self.isHeld(after, in: present) { return .asLeft }
        var members = JSONObject()
        for (key, value) in present.object ?? [:] {
            members[key] = Self.isHeld(after?[key], in: value) ? after?[key] ?? .null : value
        }
        return .changed(ObjectDifference(before: after, after: .object(members)))
    }

    /// Whether a state says all that was written: a service adds members of its own, and knows no order of plain values.
    static func isHeld(_ written: JSONValue?, in present: JSONValue?) -> Bool {
        switch (written ?? .null, present ?? .null) {
        case (.object(let written), .object(let present)):
            return written.allSatisfy { isHeld($0.value, in: present[$0.key]) }
        case (.array(let written), .array(let present)):
            guard written.count == present.count else { return false }
            return zip(written, present).allSatisfy { isHeld($0, in: $1) } || Set(written) == Set(present)
        case (let written, let present): return written == present
        }
    }
}

extension Change {
    /// The change where its state before could not be read.
    package func unreadable(_ reason: String) -> Change {
        var change = self
        // Only the names of references are read: nothing more is needed to take them back.
        if kind == .link || kind == .unlink, after == nil {
            change.isBeforeKnown = true
            return change
        }
        change.obstacle = Self.unreadable + reason
        return change
    }

    /// The change where there is nothing at its place.
    package var missing: Change {
        switch kind {
        case .reference: knowing(nil)
        // What is put where nothing was makes a file.
        case .content where others.isEmpty: newFile
        default: unreadable("there is no such object")
        }
    }

    /// Whether the state before could not be read, so that an undo that would be possible is not.
    package var isUnreadable: Bool { obstacle?.hasPrefix(Self.unreadable) ?? false }

    private static let unreadable = "its state before could not be read: "
}
