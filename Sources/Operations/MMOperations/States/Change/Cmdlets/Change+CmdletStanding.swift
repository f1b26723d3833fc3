package import MMCore
import MMDesk

extension Change {
    /// Returns the recipient names that have to be looked up to judge whether the change still stands, because the
    /// service shows recipients under other names than they were written with.
    /// - Parameter rows: the present output of `presentCommand`.
    package func unresolvedNames(inRows rows: [JSONValue]?) -> [String] {
        let rows = rows ?? []
        if let entry = cmdlet?.kind?.entry {
            let name = others.first?.id ?? ""
            return entry.values == nil && !rows.contains { Self.isNamed($0, name) } ? [name] : []
        }
        if [.asBefore, .asLeft].contains(standing(inRows: rows)), kind != .deletion { return [] }
        var names: Set<String> = []
        for (key, written) in (kind == .deletion ? before : after)?.object ?? [:] {
            guard CmdletValue.holdsRecipients(key), !CmdletValue.isEmpty(written) else { continue }
            for shown in rows.compactMap({ $0[key] }) where !CmdletValue.isEmpty(shown) {
                names.formUnion(RecipientIdentities.names(of: written, beside: shown))
                names.formUnion(RecipientIdentities.names(of: shown, beside: written))
            }
        }
        return names.sorted()
    }

    /// Compares the present state with the states before and after the change.
    /// - Parameters:
    ///   - rows: the present output of `presentCommand`; `nil` where there is no such object.
    ///   - recipients: the identities of recipients, as far as they were looked up.
    package func standing(inRows rows: [JSONValue]?, _ recipients: RecipientIdentities = .init()) -> Standing {
        guard let cmdlet, let kind = cmdlet.kind else { return .unknown }
        if let entry = kind.entry {
            guard let values = entry.values else {
                let name = others.first?.id ?? ""
                let isThere = (rows ?? []).contains { Self.isNamed($0, name) || recipients.isNamed($0, name) }
                return isThere == (self.kind == .link) ? .asLeft : .asBefore
            }
            return standing(of: [values: .array(granted(values, in: rows ?? []))], recipients)
        }
        switch self.kind {
        case .deletion:
            return (rows ?? []).contains { isBack($0, recipients) } ? .asBefore : .asLeft
        case .creation:
            guard let row = rows?.first else { return .asBefore }
            return standing(of: .object(Self.only(keys.filter { row[$0] != nil }, of: row)), recipients)
        case .properties:
            guard let row = rows?.first else { return .changed(ObjectDifference(before: after, after: nil)) }
            return standing(of: .object(Self.only(keys, of: row)), recipients)
        default: return .unknown
        }
    }

    /// Whether a row is the deleted object, recreated.
    func isBack(_ row: JSONValue, _ recipients: RecipientIdentities = .init()) -> Bool {
        (before?.object ?? [:]).allSatisfy { key, value in
            key == "Priority" || key == cmdlet?.kind?.state?.property
                || Self.isHeld(key, value, in: row[key], recipients)
        }
    }

    private func standing(of present: JSONValue, _ recipients: RecipientIdentities) -> Standing {
        let shown = present.object ?? [:]
        let isExactlyBefore = shown.allSatisfy { CmdletValue.isSame(before?[$0.key] ?? .null, $0.value) }
        if kind != .creation, isBeforeKnown, isExactlyBefore { return .asBefore }
        var members = JSONObject()
        for (key, value) in shown where !Self.isHeld(key, after?[key] ?? .null, in: value, recipients) {
            members[key] = value
        }
        if members.isEmpty { return .asLeft }
        let left = Self.only(members.keys, of: after ?? .null)
        return .changed(ObjectDifference(before: .object(left), after: .object(members)))
    }

    private static func isHeld(
        _ key: String, _ written: JSONValue, in shown: JSONValue?, _ recipients: RecipientIdentities
    ) -> Bool {
        let shown = shown ?? .null
        if CmdletValue.isSame(written, shown) { return true }
        guard !CmdletValue.isEmpty(written), !CmdletValue.isEmpty(shown) else { return false }
        // Only the mailbox itself can tell whether two folder names denote the same folder.
        if CmdletValue.holdsFolder(key) { return true }
        return CmdletValue.holdsRecipients(key)
            && CmdletValue.isSame(recipients.resolved(written), recipients.resolved(shown))
    }

    /// Whether a row is the object with a name.
    static func isNamed(_ row: JSONValue, _ name: String) -> Bool {
        let name = name.lowercased()
        return [
            "Guid", "ExternalDirectoryObjectId", "PrimarySmtpAddress", "Alias", "Name", "DisplayName", "Identity",
            "DistinguishedName", "WindowsLiveID", "UserPrincipalName",
        ].contains { row[$0]?.string?.lowercased() == name }
    }
}
