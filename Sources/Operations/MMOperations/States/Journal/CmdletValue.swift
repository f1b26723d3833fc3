import MMCore

/// Values of Exchange's properties, as cmdlets take them and as they show them afterwards.
enum CmdletValue {
    /// Whether a value that was written may be shown as another one: case, prefixes of addresses and the long form of sizes differ.
    static func isSame(_ written: JSONValue, _ shown: JSONValue) -> Bool {
        if written == shown || isEmpty(written) && isEmpty(shown) { return true }
        switch (written, shown) {
        case (.array(let written), .array(let shown)): return isSame(written, shown)
        case (.array(let written), _): return isSame(written, [shown])
        case (_, .array(let shown)): return isSame([written], shown)
        default: break
        }
        let (left, right) = (text(written), text(shown))
        // `SMTP:` is the first address of a mailbox, `smtp:` another one; where only one side says it, it says nothing.
        if isAddress(left), isAddress(right), left.prefix(5) != right.prefix(5) { return false }
        let (plain, whole) = (withoutPrefix(left), withoutPrefix(right))
        return plain == whole || !plain.isEmpty && whole.hasPrefix(plain + " (")
    }

    /// Whether a value says nothing: there is no telling `""`, `@()` and `$null` apart once they are written.
    static func isEmpty(_ value: JSONValue) -> Bool {
        value.isNull || value.string?.isEmpty == true || value.array?.isEmpty == true
    }

    private static func isSame(_ written: [JSONValue], _ shown: [JSONValue]) -> Bool {
        guard written.count == shown.count else { return false }
        var left = shown
        return written.allSatisfy { item in
            guard let place = left.firstIndex(where: { isSame(item, $0) }) else { return false }
            left.remove(at: place)
            return true
        }
    }

    private static func text(_ value: JSONValue) -> String { value.string ?? value.description }

    private static func isAddress(_ text: String) -> Bool { text.prefix(5).lowercased() == "smtp:" }

    private static func withoutPrefix(_ text: String) -> String {
        (isAddress(text) ? String(text.dropFirst(5)) : text).lowercased()
    }

    /// Properties that hold recipients: a cmdlet takes any of their names and shows the one that it likes.
    static func holdsRecipients(_ property: String) -> Bool { recipients.contains(property) }

    private static let recipients: Set<String> = [
        "ForwardingAddress", "GrantSendOnBehalfTo", "ManagedBy", "ModeratedBy", "ForwardTo", "ForwardAsAttachmentTo",
        "RedirectTo", "From", "SentTo", "ExceptIfFrom", "ExceptIfSentTo", "BlindCopyTo", "CopyTo", "RedirectMessageTo",
        "AddToRecipients", "AcceptMessagesOnlyFrom", "AcceptMessagesOnlyFromDLMembers",
        "AcceptMessagesOnlyFromSendersOrMembers", "RejectMessagesFrom", "RejectMessagesFromDLMembers",
        "RejectMessagesFromSendersOrMembers", "BypassModerationFromSendersOrMembers",
    ]

    /// Properties that hold a folder, which is shown with its whole path.
    static func holdsFolder(_ property: String) -> Bool { ["MoveToFolder", "CopyToFolder"].contains(property) }

    /// The items that `@{Add=…; Remove=…}` names; `nil` for any other value.
    static func edit(_ written: JSONValue) -> [JSONValue]? {
        guard let edit = written.object, edit.keys.contains(where: { ["add", "remove"].contains($0.lowercased()) })
        else { return nil }
        return edit.filter { ["add", "remove"].contains($0.key.lowercased()) }.flatMap { $0.value.array ?? [$0.value] }
    }

    /// A list after `@{Add=…; Remove=…}`; any other value as it is.
    /// - Parameter isSame: whether an item is shown as another one.
    static func edited(
        _ value: JSONValue, by written: JSONValue,
        where isSame: (_ written: JSONValue, _ shown: JSONValue) -> Bool = { isSame($0, $1) }
    ) -> JSONValue {
        guard edit(written) != nil, let edit = written.object else { return written }
        var items = value.array ?? (isEmpty(value) ? [] : [value])
        for (key, change) in edit {
            let values = change.array ?? [change]
            switch key.lowercased() {
            case "add": for value in values where !items.contains(where: { isSame(value, $0) }) { items.append(value) }
            case "remove": items.removeAll { item in values.contains { isSame($0, item) } }
            default: continue
            }
        }
        return .array(items)
    }
}
