internal import MMCore
import PowerShellSyntax

/// A cmdlet that is sent as a request to the Exchange admin API (`InvokeCommand`), and judged by its name and
/// parameters.
enum InvokedExchangeCommand {
    /// Returns whether a path (in lower case) takes a cmdlet in its body: `InvokeCommand`, or an endpoint of the API
    /// version that has one endpoint for each kind of object.
    static func isAddressed(_ path: [String]) -> Bool {
        path.last == "invokecommand"
            || (path.count == 4 && path[0] == "adminapi" && path[1].hasPrefix("v2") && path[3] != "$batch")
    }

    static func classify(_ body: RequestBody, cmdlets: CmdletTable) -> RequestClassification {
        guard case .json(let value) = body, let input = only("CmdletInput", of: value.object)?.object,
            let name = only("CmdletName", of: input)?.string, let parameters = parameters(of: input)
        else {
            return RequestClassification(
                template: nil, classes: .privilege, rule: "invoke-command-unreadable",
                why: "the cmdlet in the body can't be read", isKnown: true, sendsMessage: false, items: [])
        }
        let entry = cmdlets.entries(named: name).first { $0.product == .exchange }
        guard let entry else {
            return RequestClassification(
                template: nil, classes: cmdlets.classOfUnknown(name), rule: "unknown-command",
                why: "\(name) is not a known Exchange cmdlet", isKnown: false, sendsMessage: false, items: [])
        }
        var classes = entry.classes
        let raises = cmdlets.raises(of: entry)
        let known = cmdlets.parameters(of: entry)
        for (key, value) in parameters {
            let names = meanings(of: key.asciiLowercased, among: known ?? [])
            for raise in raises
            where names.contains(raise.parameter.asciiLowercased) && raise.condition.holds(constant(value)) {
                classes.formUnion(raise.classes)
            }
        }
        if entry.honoursWhatIf, only("WhatIf", of: parameters) == .bool(true) { classes = .read }
        if classes != .read, let known, let key = undocumented(parameters, known + cmdlets.commonParameters()) {
            return RequestClassification(
                template: nil, classes: classes, rule: "unknown-parameter",
                why: "the documentation of \(entry.name) has no parameter \(key)", isKnown: false, sendsMessage: false,
                items: [])
        }
        return RequestClassification(
            template: nil, classes: classes, rule: "cmdlet", why: "\(entry.name) \(classes.strictest.meaning)",
            isKnown: true, sendsMessage: false, items: [])
    }

    /// Returns a parameter that isn't documented, so that nobody knows what it changes. Names with `@odata` tell the
    /// types of others.
    private static func undocumented(_ parameters: JSONObject, _ known: [CmdletParameter]) -> String? {
        parameters.first { key, _ in
            let name = key.asciiLowercased
            return !name.contains("@odata") && known.allSatisfy { $0.fit(name) == .none }
        }?.key
    }

    /// Returns the parameters that a name may stand for, because the service may accept shortened names and aliases.
    private static func meanings(of name: String, among known: [CmdletParameter]) -> [String] {
        if known.contains(where: { $0.isNamed(name) }) { return [name] }
        return [name] + known.filter { $0.fit(name) != .none }.map { $0.name.asciiLowercased }
    }

    /// Returns the name of the cmdlet in a body; `nil` if it can't be read.
    static func name(in body: JSONValue) -> String? {
        only("CmdletInput", of: body.object)?.object.flatMap { only("CmdletName", of: $0)?.string }
    }

    /// Returns the identity that the cmdlet in a body works on; `nil` if it can't be read.
    static func identity(in body: JSONValue) -> String? {
        guard let input = only("CmdletInput", of: body.object)?.object, let parameters = parameters(of: input) else {
            return nil
        }
        return only("Identity", of: parameters)?.string
    }

    /// Returns the names that the cmdlet in a body works on: the values of its naming parameters, and every address.
    static func names(in body: JSONValue) -> [String] {
        guard let input = only("CmdletInput", of: body.object)?.object, let parameters = parameters(of: input) else {
            return []
        }
        return parameters.flatMap { key, value -> [String] in
            let texts = Self.texts(in: value, depth: 0)
            return naming.contains(key.asciiLowercased) ? texts : texts.filter { $0.contains("@") }
        }
    }

    private static let naming: Set<String> = [
        "identity", "mailbox", "user", "group", "name", "member", "members", "trustee", "owner", "recipient", "domain",
        "policy", "rule", "role", "searchname", "case",
    ]

    private static func texts(in value: JSONValue, depth: Int) -> [String] {
        switch value {
        case .string(let text): [text]
        case .array(let items) where depth < 8: items.flatMap { texts(in: $0, depth: depth + 1) }
        case .object(let members) where depth < 8:
            members.filter { !$0.key.contains("@odata") }.flatMap { texts(in: $0.value, depth: depth + 1) }
        default: []
        }
    }

    /// Returns the parameters; `nil` if they aren't an object, or occur twice.
    private static func parameters(of input: JSONObject) -> JSONObject? {
        guard input.contains(where: { $0.key.asciiLowercased == "parameters" }) else { return [:] }
        return only("Parameters", of: input)?.object
    }

    /// Returns the only member with this name, compared without case. With several, the service could read another one
    /// than was judged.
    private static func only(_ name: String, of object: JSONObject?) -> JSONValue? {
        let found = (object ?? [:]).filter { $0.key.asciiLowercased == name.asciiLowercased }
        return found.count == 1 && found.first?.key == name ? found.first?.value : nil
    }

    private static func constant(_ value: JSONValue) -> ConstantValue {
        switch value {
        case .null: .null
        case .bool(let flag): .bool(flag)
        case .int(let number): .number(String(number))
        case .double(let number): .number(String(number))
        case .number(let text): .number(text)
        case .string(let text): .string(text)
        case .array(let items): .array(items.map(constant))
        case .object: .dynamic
        }
    }
}
