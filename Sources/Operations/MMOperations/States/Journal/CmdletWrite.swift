package import MMCore
package import MMDesk

/// A cmdlet that writes, with the parameters that name what it writes to.
package struct CmdletWrite: Sendable, Hashable {
    /// Its name as the service spells it: `Set-Mailbox`.
    package let name: String
    /// The parameters that name the object, and the entry of its list where one is written.
    package internal(set) var names: JSONObject

    /// The verb: `Set`.
    var verb: Substring { name.prefix { $0 != "-" } }
    /// The noun: `Mailbox`.
    var noun: String { String(name.drop { $0 != "-" }.dropFirst()) }
    /// How what it writes to is read and taken back; `nil` where nobody knows.
    var kind: CmdletKind? { CmdletKind.of(noun) }

    var json: JSONValue { ["name": .string(name), "names": .object(names)] }

    init(name: String, names: JSONObject) {
        self.name = name
        self.names = names
    }

    init?(json: JSONValue) {
        guard let name = json["name"]?.string, let names = json["names"]?.object else { return nil }
        self.init(name: name, names: names)
    }
}

extension ExchangeCommand {
    /// Whether it only says what it would do.
    package var isWhatIf: Bool { parameters["WhatIf"] == true }

    /// The command as a line of PowerShell, without what is secret and what only answers the service's question.
    package var line: String {
        var words = [cmdlet]
        for (name, value) in parameters where !name.contains("@") {
            if name == "Confirm", value == false { continue }
            let isSwitch = Self.switches.contains(name.lowercased()) && value.bool != nil
            words.append(
                isSwitch && value == true ? "-\(name)" : "-\(name)\(isSwitch ? ":" : " ")\(Self.text(name, value))")
        }
        return words.joined(separator: " ")
    }

    /// Parameters that are there or aren't; every other truth value is written behind its parameter.
    private static let switches: Set<String> = [
        "confirm", "whatif", "force", "deny", "verbose", "debug", "asjob", "roomlist", "ignorenamingpolicy",
        "bypasssecuritygroupmanagercheck", "bypassmaster", "usecustomrouting", "shared", "room", "equipment",
        "organization", "removepicture", "removespokenname", "forceupgrade", "publicfolder", "archive", "groupmailbox",
        "soft", "permanent", "includeinactivemailbox", "alwaysdeleteoutlookrulesblob", "sendasgroup",
    ]

    private static func text(_ name: String, _ value: JSONValue) -> String {
        guard Redactor.standard.object([name: value]) == [name: value] else { return "'\(Redactor.mark)'" }
        switch value {
        case .null: return "$null"
        case .bool(let flag): return flag ? "$true" : "$false"
        case .array(let items): return items.isEmpty ? "@()" : items.map { text("", $0) }.joined(separator: ",")
        case .object(let members):
            let pairs = members.filter { !$0.key.contains("@") }.map { "\($0.key)=\(text("", $0.value))" }
            return "@{\(pairs.joined(separator: "; "))}"
        case .string(let text):
            return
                "'\(text.flatMap { "'\u{2018}\u{2019}\u{201A}\u{201B}".contains($0) ? [$0, $0] : [$0] }.map(String.init).joined())'"
        default: return value.description
        }
    }
}
