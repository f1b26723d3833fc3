package import MMCore

extension Change {
    /// Returns the change with the state that the service's answer shows.
    /// - Parameters:
    ///   - answer: the service's answer to the write; `nil` when it was not JSON.
    ///   - etag: the object's version from the answer's header.
    package func left(by answer: JSONValue?, etag: String?) -> Change {
        var change = self
        change.etag = etag ?? answer?["@odata.etag"]?.string
        guard let answer, service != .teams else { return change }
        switch kind {
        case .creation:
            // A drive may have given a file another name.
            let given = driveItems == nil ? nil : answer["name"]?.string
            change.subject = Subject(
                id: answer["id"]?.string ?? "",
                name: answer["userPrincipalName"]?.string ?? answer["displayName"]?.string ?? given ?? subject.name)
            var after = Self.only(keys.filter { answer[$0] != nil }, of: answer)
            for (key, ids) in change.after?.object ?? [:] where Self.isBinding(key) { after[key] = ids }
            change.after = .object(after)
            if lastStep.lowercased() == "children", let (items, isPath) = driveItems, !isPath { change.place = items }
        case .properties:
            // Services that answer with the object show how they interpreted the values.
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

    /// The present state of a change.
    package enum Standing: Sendable, Hashable {
        /// It stands as the write left it.
        case asLeft
        /// The write was taken back, or never sent.
        case asBefore
        /// The object was changed since; the difference is between the state that the write left and the present one.
        case changed(ObjectDifference)
        /// The present state doesn't tell.
        case unknown
    }

    /// Compares the present state with the states before and after the change.
    /// - Parameter answer: the service's present answer to `presentPath`; `nil` where there is no such object.
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

    /// Whether a state contains all that was written: a service adds members of its own, and doesn't keep the order of
    /// simple values.
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
    /// Returns the change for an object whose state before could not be read.
    package func unreadable(_ reason: String) -> Change {
        var change = self
        // For references only the names are read; taking them back needs nothing more.
        if kind == .link || kind == .unlink, after == nil {
            change.isBeforeKnown = true
            return change
        }
        change.obstacle = Self.unreadable + reason
        return change
    }

    /// The change for a place where there is no object.
    package var missing: Change {
        switch kind {
        case .reference: knowing(nil)
        // Writing content where there was no file creates one.
        case .content where others.isEmpty: newFile
        default: unreadable("there is no such object")
        }
    }

    /// The change where a program's own sign-in makes it and ours can't read the state before.
    package var withoutSignIn: Change { unreadable("the connection's sign-in does not cover it") }

    /// Whether the state before hasn't been read, because nobody is signed in.
    package var isUnread: Bool {
        !isBeforeKnown && obstacle == nil && (priorPath != nil || !priorCommands.isEmpty)
    }

    /// Whether reading the state before failed, which alone prevents an undo.
    package var isUnreadable: Bool { obstacle?.hasPrefix(Self.unreadable) ?? false }

    private static let unreadable = "its earlier state could not be read: "
}
