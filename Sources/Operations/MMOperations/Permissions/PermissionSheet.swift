import MMCore
import MMGuard

/// What a call needs, for people and for programs.
struct PermissionSheet: Sendable {
    let request: PermissionRequests.Request
    let call: CallPermissions?
    /// What the connection's token holds, where one was asked about.
    let rights: TokenRights?

    private static let kinds: [SignInKind] = [.work, .application, .personal]
    private static let mostAlternatives = 8

    /// The answer for programs.
    var json: JSONValue {
        var sheet: JSONObject = ["request": .string(request.line), "known": .bool(call != nil)]
        guard let call else { return .object(sheet) }
        sheet["template"] = .string(call.template)
        if call.isBetaOnly { sheet["betaOnly"] = true }
        for kind in Self.kinds {
            let key = kind == .work ? "delegated" : kind == .personal ? "personal" : "application"
            sheet[key] = call.choice(for: kind).map { Self.json(of: $0, kind, call) } ?? .null
        }
        if let rights {
            sheet["held"] = call.satisfied(by: rights.permissions, for: rights.kind).map { .string($0.name) } ?? false
        }
        return .object(sheet)
    }

    private static func json(of choice: PermissionChoice, _ kind: SignInKind, _ call: CallPermissions) -> JSONValue {
        var value: JSONObject = [
            "least": .array(choice.least.map { json(of: $0, kind, call) }),
            "higher": .array(choice.higher.map { .string($0.name) }),
        ]
        if choice.isInferred { value["inferred"] = true }
        return .object(value)
    }

    private static func json(of permission: Permission, _ kind: SignInKind, _ call: CallPermissions) -> JSONValue {
        var value: JSONObject = [
            "name": .string(permission.name), "adminConsent": .bool(permission.needsAdministrator(for: kind)),
        ]
        if let id = permission.id(for: kind) { value["id"] = .string(id) }
        if permission.level(for: kind) > 0 { value["level"] = .int(Int64(permission.level(for: kind))) }
        if permission.isResourceSpecific { value["resourceSpecific"] = true }
        if let others = call.besides[permission.name] { value["alsoNeeds"] = .array(others.map { .string($0.name) }) }
        return .object(value)
    }

    /// The answer in words.
    var text: String {
        guard let call else {
            return
                "\(request.line)\n  No table knows which permission this needs. Check the spelling of the path and the method."
        }
        var lines = ["\(request.line)   (\(call.template)\(call.isBetaOnly ? ", in beta only" : ""))"]
        for kind in Self.kinds {
            let title = Self.title(kind)
            guard let choice = call.choice(for: kind) else {
                if kind != .personal { lines.append("  \(title)not possible") }
                continue
            }
            for (number, permission) in choice.least.enumerated() {
                lines.append(
                    (number == 0 ? "  \(title)" : "  or           ") + Self.text(of: permission, kind, call, choice))
            }
            let others = choice.higher.filter { !$0.isResourceSpecific }.map(\.name)
            if !others.isEmpty {
                let more = others.count - Self.mostAlternatives
                lines.append(
                    "               more than needed: " + others.prefix(Self.mostAlternatives).joined(separator: ", ")
                        + (more > 0 ? " and \(more) more" : ""))
            }
        }
        if let rights { lines.append("  " + held(call, rights)) }
        return lines.joined(separator: "\n")
    }

    private static func title(_ kind: SignInKind) -> String {
        switch kind {
        case .work: "delegated    "
        case .application: "application  "
        case .personal: "personal     "
        }
    }

    private static func text(
        of permission: Permission, _ kind: SignInKind, _ call: CallPermissions, _ choice: PermissionChoice
    ) -> String {
        var text = permission.name
        if permission.isResourceSpecific { text += " (for an app installed in that team or chat)" }
        if choice.isInferred { text += " (inferred)" }
        text += permission.needsAdministrator(for: kind) ? ", admin consent" : ", no admin consent"
        if let id = permission.id(for: kind) { text += ", id \(id)" }
        if let others = call.besides[permission.name] {
            text += "; with it one of " + others.map(\.name).joined(separator: ", ")
        }
        return text
    }

    private func held(_ call: CallPermissions, _ rights: TokenRights) -> String {
        if let held = call.satisfied(by: rights.permissions, for: rights.kind) {
            return "The connection has \(held.name)."
        }
        guard let wanted = call.choice(for: rights.kind)?.advised else {
            return "The connection's kind of sign-in can't make this call."
        }
        return "The connection lacks it: \(wanted.name) is the least that helps."
    }
}
